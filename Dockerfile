# syntax=docker/dockerfile:1
# secretsync's image. How it is made and what is in it: docs/image.md.
# A dated tag is never moved; add a digest (BASE=debian:…@sha256:…) where a registry is not to be trusted with that.
ARG BASE=docker.io/library/debian:trixie-20250811-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
# Where pip finds the index and trusts it; unset, these are pip's own defaults. Neither reaches the image.
ARG PIP_INDEX_URL
ARG PIP_CERT
# Debian's packages are not pinned: a build is there to bring their security updates.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
# --only-binary: what has no wheel would need a compiler, and there is none.
RUN python3 -m venv /build \
 && /build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-build.lock \
 && python3 -m venv --without-pip /opt/secretsync \
 && /build/bin/pip --python /opt/secretsync/bin/python install --no-cache-dir --no-compile \
      --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml LICENSE README* ./
COPY secretsync secretsync
# Byte-compiled here, because nothing can be written where it runs; unchecked, because nothing can change there.
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /build/bin/pip --python /opt/secretsync/bin/python install --no-cache-dir --no-compile \
      --no-deps --no-index /wheel/*.whl \
 && /opt/secretsync/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/secretsync/lib

# hadolint ignore=DL3006
FROM ${BASE}
# git and ssh fetch policy packages, libnss-wrapper gives ssh an account where the uid has none, gnupg judges signatures,
# and tini reaps the children that are left.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git gnupg libnss-wrapper openssh-client python3 tini tzdata \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*
COPY --from=build /opt/secretsync /opt/secretsync

ARG VERSION=0.2.0
ARG REVISION=unknown
ARG SOURCE=https://github.com/rucio/secretsync
LABEL org.opencontainers.image.title="secretsync" \
      org.opencontainers.image.description="Deploys Rucio policy packages as Kubernetes Secrets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# HOME and the cache are below /cache, the one place that must be writable: any uid may own it.
# SECRETSYNC_CONFIG is a path: only its name sounds like a secret.
# hadolint ignore=DL3064
ENV PATH=/opt/secretsync/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/cache \
    XDG_CACHE_HOME=/cache \
    SECRETSYNC_CONFIG=/etc/secretsync/secretsync.yaml \
    PYTHONUNBUFFERED=1
RUN mkdir --mode=1777 /cache
WORKDIR /cache
USER 65532:65532
ENTRYPOINT ["/usr/bin/tini", "--", "secretsync"]
