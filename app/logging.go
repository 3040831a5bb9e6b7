package app

import (
	"io"
	"log/slog"

	"switchyard/config"
)

// NewLogger returns the program's logger: one line per event, JSON for machines or text for people.
func NewLogger(w io.Writer, c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.LogText {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}
