# One image for all three processes: the command says which (see Procfile).
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements_production.txt .
# Everything compiled comes as a wheel, so that not even this stage needs a compiler.
RUN /opt/venv/bin/pip install --require-hashes -r requirements_production.txt

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BELLWETHER_DATA=/data \
    PORT=8080
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin bellwether \
    && install -d -o bellwether -g bellwether -m 700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
USER bellwether
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
CMD ["gunicorn", "app:app", "-c", "gunicorn.conf.py"]
