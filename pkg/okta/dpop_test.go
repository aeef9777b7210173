package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/okta/dpop"
	"okauth/pkg/transport"
)

// proofServer is a server that checks proofs of possession and wants the nonce in them, unless that is "".
type proofServer struct {
	t   *testing.T
	url string

	mu     sync.Mutex
	nonce  string
	next   string // a success names it
	status int    // of the demand for a nonce
	answer string
	proofs []proofClaims
	seen   map[string]bool // jti
}

type proofClaims struct {
	Method  string `json:"htm"`
	URL     string `json:"htu"`
	Issued  int64  `json:"iat"`
	ID      string `json:"jti"`
	Nonce   string `json:"nonce"`
	OfToken string `json:"ath"`
	bearer  string // the Authorization header
	form    url.Values
}

func startProofServer(t *testing.T, nonce string) (*proofServer, *Client) {
	t.Helper()
	s := &proofServer{t: t, nonce: nonce, status: 400, seen: map[string]bool{}}
	s.answer = strings.Replace(goodAnswer, "Bearer", "DPoP", 1)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
	client.DPoP = newProver(t)
	return s, client
}

func newProver(t *testing.T) *dpop.Prover {
	t.Helper()
	key, err := dpop.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return &dpop.Prover{Key: key}
}

func (s *proofServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = r.ParseForm()
	if len(r.Header.Values("DPoP")) != 1 {
		respond(400, "application/json", `{"error":"invalid_dpop_proof","error_description":"missing"}`)(w, r)
		return
	}
	signed, err := jose.ParseSignedCompact(r.Header.Get("DPoP"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		s.t.Error(err)
		return
	}
	payload, err := signed.Verify(signed.Signatures[0].Header.JSONWebKey)
	claims := proofClaims{bearer: r.Header.Get("Authorization"), form: r.PostForm}
	if err := errors.Join(err, json.Unmarshal(payload, &claims)); err != nil {
		s.t.Error(err)
	}
	if claims.Method != r.Method || claims.URL != s.url+r.URL.Path || s.seen[claims.ID] {
		s.t.Errorf("got the claims %+v at %s %s", claims, r.Method, r.URL)
	}
	s.seen[claims.ID] = true
	s.proofs = append(s.proofs, claims)
	if claims.Nonce != s.nonce {
		w.Header()["dpop-nonce"] = []string{s.nonce} // as Okta spells it
		if s.status == 401 {
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce", error_description="x"`)
		}
		respond(s.status, "application/json", `{"error":"use_dpop_nonce","error_description":`+
			`"Authorization server requires nonce in DPoP proof."}`)(w, r)
		return
	}
	if s.next != "" {
		s.nonce = s.next
		w.Header()["dpop-nonce"] = []string{s.nonce}
	}
	respond(200, "application/json", s.answer)(w, r)
}

// A token request is sent once more where the server wants a nonce, and the next ones have it.
func TestST35_OneMoreRequestForANonce(t *testing.T) {
	t.Parallel()
	s, client := startProofServer(t, "nonce-1")
	for range 2 {
		tokens, err := client.Token(t.Context(), form())
		if err != nil || tokens.TokenType != "DPoP" {
			t.Fatalf("got %+v, %v", tokens, err)
		}
	}
	s.next = "nonce-2"
	for range 2 {
		if _, err := client.Token(t.Context(), refreshForm()); err != nil {
			t.Fatal(err)
		}
	}
	s.nonce, s.next = "nonce-3", ""
	if _, err := client.Token(t.Context(), refreshForm()); err != nil {
		t.Fatal(err)
	}
	var nonces []string
	for _, p := range s.proofs {
		nonces = append(nonces, p.Nonce)
		if p.OfToken != "" || p.Issued < time.Now().Add(-time.Minute).Unix() || p.Issued > time.Now().Unix() {
			t.Errorf("got %+v", p)
		}
	}
	want := []string{"", "nonce-1", "nonce-1", "nonce-1", "nonce-2", "nonce-2", "nonce-3"}
	if !slices.Equal(nonces, want) {
		t.Errorf("got the nonces %q, want %q", nonces, want)
	}
}

// Nothing but use_dpop_nonce with a nonce is a reason for another request, and that once.
func TestST35_NoMoreRequestThanThat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code     string
		nonce    bool // the response names one, each time another
		requests int
	}{
		"never content":    {"use_dpop_nonce", true, 2},
		"without a nonce":  {"use_dpop_nonce", false, 1},
		"another error":    {"invalid_grant", true, 1},
		"an invalid proof": {"invalid_dpop_proof", true, 1},
	} {
		requests := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			if test.nonce {
				w.Header().Set("DPoP-Nonce", fmt.Sprint("nonce-", requests))
			}
			// A server may repeat what it was sent.
			respond(400, "application/json", `{"error":"`+test.code+`","error_description":"`+r.Header.Get("DPoP")+`"}`)(w, r)
		}))
		defer server.Close()
		client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
		client.DPoP = newProver(t)
		_, err := client.Token(t.Context(), form())
		refusal, ok := errors.AsType[*Error](err)
		if !ok || refusal.Code != test.code || !refusal.DPoP || requests != test.requests ||
			MayHaveBeenProcessed(err) || strings.Contains(refusal.Description, "eyJ") {
			t.Errorf("%s: got %d requests and %v, want %d", name, requests, err, test.requests)
		}
	}
}

// A client that makes no proofs does not take a server's word for a reason to repeat.
func TestST35_WithoutAProverNothingIsRepeated(t *testing.T) {
	t.Parallel()
	requests := 0
	err := askAbout(t, signIn, func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Header().Set("DPoP-Nonce", "nonce-1")
		respond(400, "application/json", `{"error":"use_dpop_nonce"}`)(w, r)
	})
	if refusal, ok := errors.AsType[*Error](err); !ok || refusal.DPoP || requests != 1 {
		t.Errorf("got %v after %d requests", err, requests)
	}
}

func TestST14_ST35_TokenTypeWithAProof(t *testing.T) {
	t.Parallel()
	s, client := startProofServer(t, "")
	for value, want := range map[string]string{
		"DPoP": "", "dpop": "", "Bearer": "Bearer", "N_A": "N_A", "": "", "mac": "mac",
	} {
		s.answer = answerWith("token_type", `"`+value+`"`)
		tokens, err := client.Token(t.Context(), form())
		if strings.EqualFold(value, "DPoP") {
			if err != nil || tokens.TokenType != "DPoP" {
				t.Errorf("%s: got %+v, %v", value, tokens, err)
			}
			continue
		}
		wrong, ok := errors.AsType[*TokenTypeError](err)
		if !ok || wrong.TokenType != want || wrong.Expected != "DPoP" || tokens != nil {
			t.Errorf("%s: got %v", value, err)
		}
	}
}

// The userinfo endpoint gets the token with the scheme DPoP, and a proof for that token.
func TestST35_UserInfo(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401} { // Okta's, and RFC 9449's
		s, client := startProofServer(t, "nonce-1")
		s.status, s.answer = status, `{"sub":"00u1"}`
		const token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU" // RFC 9449 §7.1
		if _, err := client.UserInfo(t.Context(), NewSecret(token)); err != nil {
			t.Fatal(err)
		}
		for _, p := range s.proofs {
			if p.bearer != "DPoP "+token || p.OfToken != "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" {
				t.Errorf("got %+v", p)
			}
		}
		if len(s.proofs) != 2 {
			t.Errorf("%d requests, want 2", len(s.proofs))
		}
	}
}

// Only the token endpoint and userinfo get a proof.
func TestST35_WhoGetsAProof(t *testing.T) {
	t.Parallel()
	for about, want := range map[RequestInfo]bool{
		signIn: true, clientSignIn: true, refresh: true, probe: true, userInfo: true,
		revocation: false, introspection: false, discovery: false, keys: false, organization: false,
		{Operation: OperationDevice}: false, {Operation: OperationChallenge}: false,
		{Operation: OperationPrimaryAuthenticate}: false,
	} {
		got := false
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("DPoP") != ""
			respond(400, "application/json", `{"error":"invalid_request"}`)(w, r)
		}))
		client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
		client.DPoP = newProver(t)
		var err error
		switch about.Operation {
		case OperationDevice:
			_, err = client.AuthorizeDevice(t.Context(), []string{"openid"})
		case OperationChallenge:
			_, err = client.post(t.Context(), client.info(about.Operation), url.Values{})
		case OperationPrimaryAuthenticate:
			_, err = client.post(t.Context(), client.info(about.Operation), url.Values{})
		default:
			err = send(t.Context(), t, about, client)
		}
		server.Close()
		if got != want || err == nil {
			t.Errorf("%s: got a proof: %t, want %t (%v)", about.Operation, got, want, err)
		}
	}
}

// The trace shows neither the proof nor the nonce.
func TestST35_TheTraceHidesTheProof(t *testing.T) {
	t.Parallel()
	s, client := startProofServer(t, "canary-nonce")
	var lines []string
	traced := clientFor(t, s.url, transport.Config{
		Timeout: 5 * time.Second, Detail: true, Trace: func(line string) { lines = append(lines, line) },
	})
	client.HTTP = traced.HTTP
	s.answer = `{"sub":"00u1"}`
	if _, err := client.UserInfo(t.Context(), NewSecret("canary-access")); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n")
	if strings.Contains(text, "canary") || strings.Contains(text, "eyJ") || !strings.Contains(text, "DPoP ••••") {
		t.Errorf("got the trace\n%s", text)
	}
}
