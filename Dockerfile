# cgtune in the base image's own Python, as `pip install cgtune` would put it there: see docs/image.md.
#
#   docker build --tag cgtune:0.1 .
#   docker run --rm --cpus 0.5 --memory 256m cgtune:0.1
#   docker build --target files --tag cgtune-files:0.1 .     only its files, to COPY --from into an image of yours
#
# --build-arg BASE=…            any image with Python 3.10 or newer, its venv module and a shell
# --build-arg PIP_INDEX_URL=…   where pip finds packages
# Without a network: wheels of hatchling and of all that cgtune needs in wheelhouse/ beside this file, and
#                               --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/src/wheelhouse
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# pip reads these from the environment, and only where they were given.
ARG PIP_INDEX_URL
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY bin bin
COPY cgtune cgtune
# The pattern may match nothing, a list of sources may not.
COPY LICENSE wheelhous[e] wheelhouse/
# A pip of our own, since the base may have none; it installs for the base's Python, below /out. The byte code is
# never checked against the source: image tools change the times of files, and a read-only image cannot compile anew.
RUN python3 -m venv /tools \
    && /tools/bin/pip --python "$(command -v python3)" --disable-pip-version-check --no-cache-dir \
        install --no-compile --root-user-action ignore --root /out . \
    && python3 -m compileall -q -s /out -p / --invalidation-mode unchecked-hash /out

FROM scratch AS files
COPY --from=build /out/ /

FROM ${BASE}
LABEL org.opencontainers.image.title="cgtune" \
    org.opencontainers.image.description="Makes a program use what its container really has" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="0.1.0"
COPY --from=build /out/ /
# A number, so that Kubernetes' runAsNonRoot can tell; it needs no name and no home.
USER 65532:65532
# Without "--", so that `docker run cgtune --memory-limit 1Gi …` can give options.
ENTRYPOINT ["cgtune", "run"]
CMD ["cgtune", "inspect"]
