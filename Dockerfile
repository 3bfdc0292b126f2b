# One image for every process: the command says which (see Procfile).
FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
# TRACES=1: with what traces, which costs each process 4 MB even where it is off.
ARG TRACES=
COPY requirements_production.txt requirements_gs.txt requirements_traces.txt ./
# Everything compiled comes as a wheel, so that not even this stage needs a compiler.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes -r requirements_production.txt -r requirements_gs.txt ${TRACES:+-r requirements_traces.txt} \
    && /opt/venv/bin/pip uninstall --yes pip
WORKDIR /app
COPY . ./
# A read-only system cannot keep what Python compiles.
RUN /opt/venv/bin/python -m compileall -q .

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Bellwether" \
      org.opencontainers.image.description="A self-hosted stock watchlist with a bell"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    BELLWETHER_DATA=/data \
    PORT=8080
RUN groupadd --gid 10001 bellwether \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin bellwether \
    && install -d -o 10001 -g 10001 -m 700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
# A number: Kubernetes can tell that it is not root.
USER 10001:10001
VOLUME /data
EXPOSE 8080
# The web's; workers and the clock have their own (compose.yaml, deploy/kubernetes).
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-m", "web.alive"]
CMD ["gunicorn", "app:app", "-c", "gunicorn.conf.py"]
