# Two stages: the first installs the locked dependencies and the program into a virtual environment, the second carries
# that environment alone. Builds with the classic builder as well as with BuildKit.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/storywatch
WORKDIR /src
# Dependencies first: they change less often than the code, so this layer stays cached.
COPY requirements.lock ./
RUN /opt/storywatch/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY storage ./storage
COPY alerts ./alerts
COPY monitor ./monitor
RUN /opt/storywatch/bin/pip install --no-deps --no-build-isolation .
# The reader of claims compiled, faster by half. Where that cannot be done, the image holds it in plain Python.
COPY requirements-compile.lock ./
RUN if [ -e "$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] \
        && apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev \
        && /opt/storywatch/bin/pip install --require-hashes --target /opt/compiler -r requirements-compile.lock \
        && PYTHONPATH=/opt/compiler timeout 600 /opt/storywatch/bin/storywatch compile; \
    then :; else echo "The reader of claims stays in plain Python."; fi

FROM python:${PYTHON_VERSION}-slim-bookworm
RUN groupadd --system --gid 10001 storywatch \
    && useradd --system --uid 10001 --gid storywatch --home-dir /data --no-create-home --shell /usr/sbin/nologin storywatch \
    && install -d -o storywatch -g storywatch -m 0750 /data
COPY --from=build /opt/storywatch /opt/storywatch
COPY seeds /app/seeds
ENV PATH=/opt/storywatch/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STORYWATCH_SEEDS=/app/seeds \
    STORYWATCH_DATABASE_URL=sqlite:////data/storywatch.db
# A storywatch.toml put into the volume is found here, in the working directory.
WORKDIR /data
VOLUME /data
EXPOSE 8080
USER storywatch
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["storywatch"]
CMD ["run"]
