# syntax=docker/dockerfile:1

# `make release` makes the same image without Docker, and to the byte each time. This is for those whose pipelines build Dockerfiles.

# The builder runs where the build runs, and compiles for where the image will.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .

ARG TARGETOS TARGETARCH VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /akv-injector ./cmd/akv-injector

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /akv-injector /akv-injector
# Numbers, since the kubelet cannot tell whether a name is root's (runAsNonRoot).
USER 65532:65532
ENTRYPOINT ["/akv-injector"]
