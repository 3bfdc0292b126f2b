"""Hold Cloud Run's files against Google's own description of the API (run.v1)."""

import json
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

Schemas = Mapping[str, Any]
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "array": list,
    "object": dict,
}
_AS_TEXT = ("int32", "int64", "google-duration")
_UNSUPPORTED = "Not supported by Cloud Run"


def main(paths: list[str]) -> int:
    schemas = described()
    faults = [
        f"{path}: {fault}"
        for path in paths
        for document in yaml.safe_load_all(Path(path).read_text())
        for fault in faults_of(document, document["kind"], schemas)
    ]
    print("\n".join(faults))
    return 1 if faults else 0


def described() -> Schemas:
    """The schemas of the API's version 1, which is what `gcloud run ... replace` sends."""
    folder = files("googleapiclient") / "discovery_cache" / "documents"
    schemas: Schemas = json.loads((folder / "run.v1.json").read_text())["schemas"]
    return schemas


def faults_of(value: Any, schema: str, schemas: Schemas) -> Iterator[str]:
    """Every place in `value` that is not as the schema of that name says."""
    if schema not in schemas:
        yield f"there is no kind {schema}"
    else:
        yield from _faults(value, schemas[schema], schemas, schema)


def _faults(value: Any, schema: Mapping[str, Any], schemas: Schemas, place: str) -> Iterator[str]:
    if reference := schema.get("$ref"):
        yield from _faults(value, schemas[reference], schemas, place)
        return
    if not _is_a(value, schema):
        yield f"{place} is no {schema['type']}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _faults(item, schema["items"], schemas, f"{place}[{number}]")
    elif isinstance(value, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            inner = known.get(name, rest)
            if inner is None or inner.get("description", "").startswith(_UNSUPPORTED):
                yield f"{place}.{name} means nothing to Cloud Run"
            else:
                yield from _faults(item, inner, schemas, f"{place}.{name}")


def _is_a(value: Any, schema: Mapping[str, Any]) -> bool:
    expected = schema.get("type", "any")
    if expected == "string" and schema.get("format") in _AS_TEXT:
        return isinstance(value, str | int)
    if expected == "integer" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES.get(expected, object))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
