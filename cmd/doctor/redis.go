package doctor

import (
	"context"

	"okauth/pkg/store/redis"
)

// checkDurability warns about a server that may lose sessions by its own settings, where the user may ask for them.
func (d *doctor) checkDurability(ctx context.Context, server *redis.Store) {
	info, err := server.Info(ctx)
	if err != nil {
		return
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" && info["maxmemory"] != "0" {
		d.found("storage", "warn", "the server drops keys when its memory is full (maxmemory-policy "+policy+
			"), sessions among them", "CONFIG SET maxmemory-policy noeviction, or a server of its own for okauth")
	}
	if info["aof_enabled"] == "0" {
		d.found("storage", "note", "the server does not keep each write (appendonly no): after it has crashed, a new "+
			"sign-in may be needed", "CONFIG SET appendonly yes")
	}
}
