package cmd_test

import (
	"net/http"
	"testing"

	"okauth/pkg/oktatest"
)

// After Okta's 429 the processes that share a session send nothing before the time that it named, and say how long
// that is. A logout is not kept from its work.
func TestTooManyRequestsHoldForAllProcesses(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		m.posts()
		m.server.Fail("/token", oktatest.Respond(429, http.Header{"Retry-After": {"300"}, "Content-Type": {"application/json"}},
			`{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`))
		m.start("token").fails(3, "Okta rate-limited the refresh", "retry after 5m")
		for range 3 {
			m.start("token").fails(3, "nothing was sent: Okta answered another process that there were too many requests",
				"retry after ", "hint: wait for the time given, then try again")
		}
		if sent := m.posts(); sent != 1 {
			t.Errorf("%d requests were sent, want 1", sent)
		}
		m.start("logout").does()
	})
}
