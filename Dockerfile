# The program alone: one static binary, no shell, not root.
#
#   docker build -t switchyard .
#   docker run --rm switchyard version

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -tags=nomsgpack -trimpath -ldflags '-s -w' -o /out/ ./cmd/switchyard ./cmd/probe
# A new volume takes its owner from the directory that it is mounted on.
RUN mkdir -p /out/data

# Holds the certificate authorities and a user who is nobody.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/switchyard /usr/local/bin/switchyard
COPY --from=build /out/probe /usr/local/bin/probe
COPY --from=build --chown=65532:65532 /out/data /var/lib/switchyard
USER 65532:65532
WORKDIR /var/lib/switchyard
VOLUME /var/lib/switchyard
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/switchyard"]
CMD ["serve", "--config", "/etc/switchyard/switchyard.yaml"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["/usr/local/bin/probe", "http://127.0.0.1:8080/healthz"]
