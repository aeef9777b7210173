// Exampleprogram calls an API with a token from okauth and prints what the API returns. It is a module of its own, as
// your program is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"okauth/pkg/okauth"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: exampleprogram URL")
		os.Exit(2)
	}
	if err := call(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "exampleprogram: error:", err)
		os.Exit(1)
	}
}

func call(ctx context.Context, url string) error {
	client, err := okauth.Open(ctx, okauth.Options{})
	if err != nil {
		return err
	}
	response, err := client.HTTPClient(ctx).Get(url)
	if e, ok := errors.AsType[*okauth.LoginRequiredError](err); ok {
		return fmt.Errorf("not signed in: run okauth login -p %s", e.Profile)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}
