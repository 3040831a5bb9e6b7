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
    go build -tags nomsgpack -trimpath -ldflags '-s -w' -o /out/switchyard ./cmd/switchyard
# A new volume takes its owner from the directory that it is mounted on.
RUN mkdir -p /out/data

# wget, one applet of BusyBox, is what health checks are made with: the image has no shell to make them with.
FROM busybox:1.37.0-musl AS probe

# Holds the certificate authorities and a user who is nobody.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=probe /bin/wget /usr/bin/wget
COPY --from=build /out/switchyard /usr/local/bin/switchyard
COPY --from=build --chown=65532:65532 /out/data /var/lib/switchyard
USER 65532:65532
WORKDIR /var/lib/switchyard
VOLUME /var/lib/switchyard
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/switchyard"]
CMD ["serve", "--config", "/etc/switchyard/switchyard.yaml"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["/usr/bin/wget", "-q", "-T", "2", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]
