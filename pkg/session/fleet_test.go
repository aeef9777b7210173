package session_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

// endpoint is a token endpoint without a network, whose tokens live for an hour. A refresh token works once.
type endpoint struct {
	mu       sync.Mutex
	issued   int
	requests []time.Time
	reuses   int
	busy     func() bool // 429, with Retry-After of a minute; nil: never
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests = append(e.requests, time.Now())
	status, header := http.StatusOK, http.Header{"Content-Type": {"application/json"}}
	body := `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`
	switch {
	case e.busy != nil && e.busy():
		status = http.StatusTooManyRequests
		header.Set("Retry-After", "60")
	case r.PostForm.Get("refresh_token") != e.refreshToken():
		e.reuses++
		status, body = http.StatusBadRequest, `{"error":"invalid_grant"}`
	default:
		e.issued++
		body = fmt.Sprintf(`{"token_type":"Bearer","expires_in":3600,"scope":"offline_access","access_token":"%s.%d","refresh_token":%q}`,
			strings.Repeat("canary-", 100), e.issued, e.refreshToken())
	}
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r, ContentLength: -1,
	}, nil
}

func (e *endpoint) refreshToken() string { return fmt.Sprintf("canary-refresh-%d", e.issued) }

// newFleet returns the manager of a session that has expired, and how to refresh it at e.
func newFleet(t *testing.T, e *endpoint) (session.Manager, session.TokenRequest, session.Options) {
	t.Helper()
	server, err := okta.NewAuthorizationServer("https://dev-123456.okta.com", "default")
	if err != nil {
		t.Fatal(err)
	}
	client := &okta.Client{Server: server, ID: "0oabcdefghijklmnopqr", HTTP: &http.Client{Transport: e, Timeout: 30 * time.Second}, Now: time.Now}
	m := session.Manager{Store: store.Sessions{Items: &memory.Store{}, Locks: newSharedLocks(62 * time.Second)}, Now: time.Now}
	r := session.TokenRequest{
		Identity: store.Identity{Profile: "ci", Issuer: server.Issuer(), ClientID: client.ID, User: "alice@example.com"},
		Scopes:   []string{"offline_access"}, MinTTL: time.Minute,
	}
	signedIn := &store.Session{
		Identity: r.Identity, Username: r.Identity.User, Revision: 1,
		Refresh: store.RefreshToken{Value: okta.NewSecret(e.refreshToken()), Requested: r.Scopes, Granted: r.Scopes, ObtainedAt: time.Now()},
		Sets: []store.TokenSet{{
			Requested: r.Scopes, Granted: r.Scopes, AccessToken: okta.NewSecret("canary-access"), TokenType: "Bearer",
			ObtainedAt: time.Now().Add(-2 * time.Hour), ExpiresIn: time.Hour,
		}},
	}
	if err := m.Store.Save(t.Context(), signedIn); err != nil {
		t.Fatal(err)
	}
	return m, r, session.Options{
		Client: func(context.Context) (*okta.Client, error) { return client, nil },
		Credentials: func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
			return session.Credentials{}, nil
		},
	}
}

// jobs is how many jobs a machine runs in a day. Each asks for a token once.
const jobs = 4

// day lets machines run their jobs at random moments of a day, and returns when Okta was asked. Machines that share have
// one session; without, each has its own.
func day(t *testing.T, machines int, shared bool) (requests []time.Time) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, uint64(machines)))
		sessions := 1
		if !shared {
			sessions = machines
		}
		run, okta := make([]func(*sync.WaitGroup), sessions), make([]*endpoint, sessions)
		for i := range run {
			okta[i] = &endpoint{}
			run[i] = job(t, okta[i])
		}
		var all sync.WaitGroup
		gap := float64(24*time.Hour) / float64(machines*jobs)
		for began := time.Now(); time.Since(began) < 24*time.Hour; {
			time.Sleep(time.Duration(random.ExpFloat64() * gap))
			run[random.IntN(sessions)](&all)
		}
		all.Wait()
		for _, e := range okta {
			requests = append(requests, e.requests...)
			if e.reuses > 0 {
				t.Errorf("a refresh token was used twice, %d times", e.reuses)
			}
		}
	})
	return requests
}

// job returns what does what okauth token does, in a goroutine if it has to wait.
func job(t *testing.T, e *endpoint) func(*sync.WaitGroup) {
	m, r, o := newFleet(t, e)
	return func(all *sync.WaitGroup) {
		if _, err := m.Token(t.Context(), r); !is[*session.LoginRequiredError](err) {
			if err != nil {
				t.Error(err)
			}
			return
		}
		all.Go(func() {
			if _, err := m.Renew(t.Context(), r, o); err != nil {
				t.Error(err)
			}
		})
	}
}

// busiest returns the most requests that came in one minute.
func busiest(requests []time.Time) (most int) {
	slices.SortFunc(requests, time.Time.Compare)
	first := 0
	for i, at := range requests {
		for at.Sub(requests[first]) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// The table of docs/fleets.md is what a day of simulated machines shows. The race detector makes large fleets too slow.
func TestFleetOfManyMachines(t *testing.T) {
	t.Parallel()
	page := fleetsPage(t)
	const sample = 1000 // machines on their own have nothing to do with each other, so these stand for more
	alone := day(t, sample, false)
	for _, n := range []int{10, 100, 1000, 10_000, 100_000} {
		if n > sample && raceDetector {
			continue
		}
		shared := day(t, n, true)
		row := fmt.Sprintf("| %s | %s | %s | %d | %d |", thousands(n), thousands(n*jobs), thousands(len(alone)*n/sample),
			len(shared), busiest(shared))
		if !strings.Contains(page, "\n"+row+"\n") {
			t.Errorf("docs/fleets.md lacks this row:\n%s", row)
		}
	}
}

func fleetsPage(t *testing.T) string {
	page, err := os.ReadFile("../../docs/fleets.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// While Okta answers 429 for ten minutes, and says "in a minute" each time, a fleet of thousands asks it once a minute.
// No one loses the session, and who asks again afterwards gets a token.
func TestFleetWaitsAsOne(t *testing.T) {
	t.Parallel()
	page := fleetsPage(t)
	synctest.Test(t, func(t *testing.T) {
		const outage = 10 * time.Minute
		began := time.Now()
		e := &endpoint{busy: func() bool { return time.Since(began) < outage }}
		m, r, o := newFleet(t, e)
		var limited, refused, served atomic.Int32
		var all sync.WaitGroup
		for i := range 2000 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * outage / 2000)
				_, err := m.Renew(t.Context(), r, o)
				switch {
				case err == nil:
					served.Add(1)
				case is[*session.RateLimitedError](err), store.IsKind(err, store.LockTimeout): // or another was asking just then
					limited.Add(1)
				case is[*okta.Error](err):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		sent := len(e.requests)
		if says := fmt.Sprintf("2,000 machines that ask meanwhile send it %d\nrequests", sent); !strings.Contains(page, says) {
			t.Errorf("docs/fleets.md does not say: %s", says)
		}
		t.Logf("%d requests; Okta told %d to wait, the others told %d, %d served", sent, refused.Load(), limited.Load(),
			served.Load())
		if token, err := m.Renew(t.Context(), r, o); err != nil || e.reuses != 0 {
			t.Errorf("afterwards: got %v, %v; %d reuses", token.ExpiresAt, err, e.reuses)
		}
	})
}
