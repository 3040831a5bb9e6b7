package cache

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogClient sends what the Redis client itself logs to logger, at debug level: a line for every connection that fails,
// which would otherwise go to standard error. The client has one log for the whole process, so that this is for main to
// call, once.
func LogClient(logger *slog.Logger) { redis.SetLogger(clientLog{logger}) }

type clientLog struct{ logger *slog.Logger }

// Printf implements the client's logger.
func (l clientLog) Printf(ctx context.Context, format string, v ...any) {
	if l.logger.Enabled(ctx, slog.LevelDebug) {
		l.logger.DebugContext(ctx, "redis client", "text", fmt.Sprintf(format, v...))
	}
}
