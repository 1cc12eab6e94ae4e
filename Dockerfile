# The image of `reconcile` (the last stage, without a shell), and `--target ci`, which CI systems can use as a job's
# image (sh, git, psql). What is inside and why, how to pin the bases and how to build without a network:
# docs/image.md. Pass both bases by digest in a release.
ARG PYTHON_IMAGE=python:3.13-slim-trixie
ARG RUNTIME_IMAGE=gcr.io/distroless/python3-debian13:nonroot
# The one time of all files: 2025-01-01.
ARG SOURCE_DATE_EPOCH=1735689600

# Wheels, where packages can't be fetched during the build: --build-context wheels=FOLDER takes this stage's place.
FROM scratch AS wheels

FROM ${RUNTIME_IMAGE} AS base

FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.9
ARG HATCHLING_VERSION=1.33.0
ARG EXTRAS="ci controller signatures"
ARG SOURCE_DATE_EPOCH
ENV UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0
SHELL ["/bin/sh", "-euc"]
WORKDIR /build
COPY k8s/image ./image
COPY pyproject.toml uv.lock ./
# What uv.lock names, hash by hash; before our own files, which change more often.
# hadolint ignore=SC2046,SC2086,SC2154,SC1091
RUN --mount=type=bind,from=wheels,target=/wheels \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    . image/wheels.sh; \
    python3 -m venv tools; \
    tools/bin/python -m pip install --quiet --no-cache-dir --no-compile ${from} "uv==${UV_VERSION}"; \
    tools/bin/uv export --quiet --frozen --no-dev --no-emit-project $(printf -- '--extra %s ' ${EXTRAS}) \
        --output-file locked.txt; \
    tools/bin/uv venv --quiet --python "$(command -v python3)" /opt/reconcile; \
    tools/bin/uv pip install --quiet --python /opt/reconcile ${from} --require-hashes --no-deps \
        --requirements locked.txt
COPY LICENSE ./
COPY reconciler ./reconciler
# By its name, from a folder: an installation from a path would note the path and the time.
# hadolint ignore=SC2086,SC2154,SC1091
RUN --mount=type=bind,from=wheels,target=/wheels \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    . image/wheels.sh; \
    echo "hatchling==${HATCHLING_VERSION}" > build-constraints.txt; \
    tools/bin/uv build --quiet --wheel ${from} --build-constraints build-constraints.txt --out-dir dist; \
    tools/bin/uv pip install --quiet --python /opt/reconcile --no-deps --no-index --find-links dist \
        reconcile-postgres; \
    python3 image/settle.py /opt/reconcile

FROM build AS slim
ARG SOURCE_DATE_EPOCH
ARG RUNTIME_PYTHON=/usr/bin/python3.13
RUN --mount=type=bind,from=base,target=/base \
    /opt/reconcile/bin/python image/premade.py /opt/reconcile; \
    python3 image/settle.py /opt/reconcile "${RUNTIME_PYTHON}"; \
    python3 image/stdlib.py /base /usr/lib/python3.13 /build/stdlib

FROM ${PYTHON_IMAGE} AS ci
SHELL ["/bin/sh", "-euc"]
# hadolint ignore=DL3008
RUN apt-get update -qq; \
    apt-get install -qq --yes --no-install-recommends ca-certificates git; \
    rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*; \
    echo "reconcile:x:65532:" >> /etc/group; \
    echo "reconcile:x:65532:65532:reconcile:/tmp:/usr/sbin/nologin" >> /etc/passwd
COPY --from=build /opt/reconcile /opt/reconcile
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="reconcile (CI)" \
      org.opencontainers.image.description="A PostgreSQL schema reconciler, with sh, git and psql for jobs of a CI system" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/reconcile/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /workspace
USER 65532:65532
CMD ["/bin/sh"]

FROM base AS runtime
COPY --from=slim /build/stdlib /usr/lib/python3.13
COPY --from=slim /opt/reconcile /opt/reconcile
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="reconcile" \
      org.opencontainers.image.description="A PostgreSQL schema reconciler: the schema as YAML in git, a plan that a person can review, and its application" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/reconcile/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /workspace
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/reconcile/bin/reconcile", "health"]
ENTRYPOINT ["/opt/reconcile/bin/reconcile"]
CMD ["--help"]
