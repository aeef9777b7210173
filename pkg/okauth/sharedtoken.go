package okauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/okta/dpop"
	"okauth/pkg/session"
)

const (
	// renewalWait is how long the request that has a token renewed waits for the new one while the old one is valid.
	renewalWait = time.Second
	// callPause is how long the error of a call stands for all requests, so that they do not try in turn.
	callPause = time.Second
	// renewEvery is how soon a token that was obtained because of a 401 may be replaced because of another.
	renewEvery = time.Minute
)

// sharedToken is the access token that the requests of one HTTP client share. It stays in memory until the setting
// min_ttl before its end. Then one request has it renewed; others use the old one while it is valid, else they wait.
type sharedToken struct {
	client *Client
	ctx    context.Context // of the token requests

	mu       sync.Mutex
	token    accessToken
	refused  bool       // the API has refused token
	logins   int64      // those of client when token was obtained
	call     *tokenCall // gets the next token; nil: none does
	failed   error      // the error of the last call
	calledAt time.Time  // the end of the last call

	replacement okta.Secret // the last token that was obtained because of a refusal, or kept in spite of it
	replacedAt  time.Time
}

// accessToken is a token and what makes the proofs for it, nil for a bearer token.
type accessToken struct {
	session.CachedToken
	prover  *dpop.Prover
	renewAt time.Time
}

// tokenCall is one call that gets a token for all who wait.
type tokenCall struct {
	done    chan struct{}
	token   accessToken // when done, unless err is set
	err     error
	cancel  context.CancelCauseFunc
	waiting int
}

// get returns a token that is valid now. The end of ctx ends the wait for it, and a question that only ctx waits for.
func (s *sharedToken) get(ctx context.Context) (accessToken, error) {
	token, call, err := s.next()
	if call == nil {
		return token, err
	}
	var late <-chan time.Time
	valid := !token.Value.IsZero()
	if valid {
		late = time.After(renewalWait)
	}
	select {
	case <-call.done:
		if call.err != nil && valid {
			return token, nil
		}
		return call.token, call.err
	case <-late:
		return token, nil
	case <-ctx.Done():
		s.leave(call, context.Cause(ctx))
		return accessToken{}, context.Cause(ctx)
	}
}

// next returns the token, if it is valid, and the call to wait for, if there is one.
func (s *sharedToken) next() (accessToken, *tokenCall, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.client.logins.Load(); n != s.logins { // what is older than a login or logout does not count
		s.logins, s.token, s.call, s.failed = n, accessToken{}, nil, nil
	}
	now, failing := s.client.o.Now(), s.failed != nil && time.Since(s.calledAt) < callPause
	token := s.token
	if s.refused || !now.Before(token.ExpiresAt) {
		token = accessToken{}
	}
	valid := !token.Value.IsZero()
	switch {
	case valid && (now.Before(token.renewAt) || s.call != nil || failing):
		return token, nil, nil
	case failing && s.call == nil:
		return token, nil, s.failed
	case s.call == nil:
		s.start()
	}
	s.call.waiting++
	return token, s.call, nil
}

// start begins a call.
func (s *sharedToken) start() {
	ctx, cancel := context.WithCancelCause(s.ctx)
	call, before := &tokenCall{done: make(chan struct{}), cancel: cancel}, s.token
	var refused refusedToken
	if s.refused {
		refused = refusedToken{value: before.Value, isNew: s.isNew()}
		if hasEnded(s.failed) {
			refused.ended = s.failed
		}
	}
	s.call = call
	s.client.background.RLock()
	go func() {
		defer s.client.background.RUnlock()
		defer cancel(nil)
		token, err := s.replace(ctx, refused)
		if err == nil {
			call.token, err = s.client.share(token, before)
		}
		call.err = err
		s.mu.Lock()
		defer s.mu.Unlock()
		defer close(call.done)
		if s.call != call {
			return
		}
		s.call, s.failed, s.calledAt = nil, err, time.Now()
		if err != nil {
			return
		}
		s.token, s.refused = call.token, false
	}()
}

// isNew reports whether the token was obtained because of a refusal a moment ago.
func (s *sharedToken) isNew() bool {
	return s.token.Value.Equal(s.replacement) && s.client.o.Now().Sub(s.replacedAt).Abs() < renewEvery
}

// leave ends the wait of one request for call. A person is not asked for a token that no request needs.
func (s *sharedToken) leave(call *tokenCall, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call.waiting--
	if call.waiting > 0 || s.call != call || !s.client.asksPerson() {
		return
	}
	call.cancel(cause)
	s.call = nil
}

// refuse notes that the API has refused a token. It returns false if there is no other: an API that refuses every token
// must not cost a refresh, or a read of the store, for each request. A token that is due for renewal gets one anyway.
func (s *sharedToken) refuse(token okta.Secret) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !token.Equal(s.token.Value) {
		return true // it has been replaced
	}
	ends := !s.client.o.Now().Before(s.token.renewAt)
	s.refused = ends || !s.isNew() || time.Since(s.calledAt) >= callPause
	return s.refused
}

// refusedToken is a token that the API has refused; the zero one is none.
type refusedToken struct {
	value okta.Secret
	isNew bool  // it was obtained because of a refusal a moment ago
	ended error // there is none in its place, because the session has ended
}

// hasEnded reports whether err says that Okta has ended the session.
func hasEnded(err error) bool {
	required, ok := errors.AsType[*LoginRequiredError](err)
	return ok && required.Err != nil
}

// replace returns a token that is valid now. In place of one that the API has refused it may be the same, if there is
// no other although the session is good.
func (s *sharedToken) replace(ctx context.Context, refused refusedToken) (session.CachedToken, error) {
	c := s.client
	token, err := c.usable(c.Get(ctx, session.Access))
	if err != nil || !token.Value.Equal(refused.value) {
		return token, err
	}
	if refused.ended != nil || refused.isNew {
		return token, refused.ended
	}
	next, err := c.usable(c.Renew(ctx, session.Access, true))
	switch {
	case err != nil && (hasEnded(err) || ctx.Err() != nil):
		return next, err
	case err == nil:
		token = next
	default:
		c.o.Events.Warning("the API refused the access token, and there is no new one: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replacement, s.replacedAt = token.Value, c.o.Now()
	return token, nil
}

// share returns a token for requests. Its prover is that of the token before if both have one key: it knows nonces.
func (c *Client) share(token session.CachedToken, before accessToken) (accessToken, error) {
	now := c.o.Now().Round(0) // the wall clock, which goes on while the machine sleeps
	shared := accessToken{CachedToken: token, renewAt: token.ExpiresAt.Add(-c.settings.MinTTL())}
	if !now.Before(shared.renewAt) { // its whole life may be shorter than min_ttl
		shared.renewAt = now.Add(token.ExpiresAt.Sub(now) / 2)
	}
	if shared.prover = before.prover; shared.prover != nil && shared.prover.Key.Text().Equal(token.DPoPKey) {
		return shared, nil
	}
	var err error
	shared.prover, err = token.Prover()
	return shared, err
}
