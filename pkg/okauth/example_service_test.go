package okauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"okauth/pkg/okauth"
)

// ordersService answers requests with what an API answers. It has a token of its own for the API.
type ordersService struct {
	api *http.Client
	url string
	log *slog.Logger
}

func (s *ordersService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.url, nil)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	response, err := s.api.Do(request)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK { // a 401 is about the token of this service, not about its caller
		s.fail(w, r, fmt.Errorf("the API answered %s", response.Status))
		return
	}
	w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	if _, err := io.Copy(w, response.Body); err != nil {
		s.log.Warn("copy the orders", "error", err)
	}
}

func (s *ordersService) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the caller has gone
	}
	s.log.Error("get the orders", "error", err)
	if _, ok := errors.AsType[*okauth.LoginRequiredError](err); ok {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "this service is not signed in: run okauth login", http.StatusServiceUnavailable)
		return
	}
	http.Error(w, "the orders are not available", http.StatusBadGateway)
}

// serve serves until ctx ends, as that of signal.NotifyContext does, and then until no request is in progress.
func serve(ctx context.Context, listener net.Listener, url string, options okauth.Options) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	options.Events.Warning = func(text string) { log.Warn(text) }
	client, err := okauth.Open(ctx, options)
	if err != nil {
		return err
	}
	defer client.Wait()
	if _, err := client.Token(ctx); err != nil {
		return err // a wrong setting is noticed now, and not at the first request
	}
	api := client.HTTPClient(context.WithoutCancel(ctx)) // the last requests may need a new token
	api.Timeout = 20 * time.Second
	server := &http.Server{Handler: &ordersService{api, url, log}, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		limit, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		stopped <- server.Shutdown(limit)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// A service that calls an API with a token of its own. docs/programs.md shows the code above.
func Example_service() {
	org, options, err := startOrg()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(options.LockDir))
	defer org.Close()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, org.URL()+"/api/hello", options) }()

	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	fmt.Printf("%s %s %v\n", response.Status, text, err)
	stop()
	fmt.Println("stopped:", <-served)
	// Output:
	// 200 OK {"hello":"alice@example.com","scopes":["offline_access","openid"]} <nil>
	// stopped: <nil>
}
