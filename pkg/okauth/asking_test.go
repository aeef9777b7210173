package okauth_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
)

// crowd is one person whom many calls ask.
type crowd struct {
	grant.Interaction
	asked, atOnce, most atomic.Int32
}

func (c *crowd) CanPrompt() bool                             { return true }
func (c *crowd) AskUsername(context.Context) (string, error) { return oktatest.DefaultUser, nil }
func (c *crowd) AskPassword(context.Context, string) (okta.Secret, error) {
	c.asked.Add(1)
	if now := c.atOnce.Add(1); now > c.most.Load() {
		c.most.Store(now)
	}
	defer c.atOnce.Add(-1)
	return okta.NewSecret(oktatest.DefaultPassword), nil
}

// One call at a time asks a person. The others go on with its session, where sessions are kept.
func TestOneCallAsks(t *testing.T) {
	t.Parallel()
	const calls = 3
	for storage, want := range map[string]int32{okauth.StorageAuto: 1, okauth.StorageNone: calls} {
		o := newOrg(t)
		options, who := o.withoutPassword(), new(crowd)
		options.Interaction = who
		options.Settings["storage"] = storage
		var all sync.WaitGroup
		for range calls {
			client := o.open(t, options)
			all.Go(func() {
				if token, err := client.Token(t.Context()); err != nil || token.AccessToken == "" {
					t.Errorf("%s: got %v", storage, err)
				}
			})
		}
		all.Wait()
		if who.asked.Load() != want || who.most.Load() != 1 || len(o.Requests()) != int(want) {
			t.Errorf("%s: %d questions, %d at once, %d requests, want %d, 1, %[4]d",
				storage, who.asked.Load(), who.most.Load(), len(o.Requests()), want)
		}
	}
}
