package config

import "reflect"

// overrides puts the environment's process settings over those of the file. A variable that is empty is not set.
func overrides(l *ledger, doc *document, getenv func(string) string) {
	for _, o := range []struct {
		variable, path string
		into           any
	}{
		{"SWITCHYARD_LISTEN", "listen", &doc.Listen},
		{"SWITCHYARD_OPS_LISTEN", "ops_listen", &doc.OpsListen},
		{"SWITCHYARD_STORE_PATH", "store.path", &doc.Store.Path},
		{"SWITCHYARD_REDIS_ADDRESS", "redis.address", &doc.Redis.Address},
		{"SWITCHYARD_LOG_FORMAT", "log.format", &doc.Log.Format},
		{"SWITCHYARD_LOG_LEVEL", "log.level", &doc.Log.Level},
	} {
		text := getenv(o.variable)
		if text == "" {
			continue
		}
		delete(l.broken, o.path)
		l.places[o.path] = place{variable: o.variable}
		if fault := setScalar(reflect.ValueOf(o.into).Elem(), text, kindReference); fault != "" {
			l.breaks(o.path, fault)
		}
	}
}
