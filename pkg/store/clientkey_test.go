package store_test

import (
	"errors"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

func TestST36_ClientKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := new(memory.Store)
	c := store.ClientKeys{m}
	account := store.ClientKeyAccount("dev", "https://dev-1.okta.com", "0oa1")
	if _, err := c.Load(ctx, account); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	for _, key := range [][2]string{{"{\"kty\":\"EC\"}", ""}, {"-----BEGIN X-----\nwrong-horse\n", "next"}} {
		if err := c.Save(ctx, account, store.ClientKey{okta.NewSecret(key[0]), okta.NewSecret(key[1])}); err != nil {
			t.Fatal(err)
		}
		got, err := c.Load(ctx, account)
		if err != nil || got.Current.Reveal() != key[0] || got.Next.Reveal() != key[1] {
			t.Errorf("got %q and %q, %v; want %q", got.Current.Reveal(), got.Next.Reveal(), err, key)
		}
	}
	for _, key := range [][2]string{{"", ""}, {"", "canary"}, {"canary\xff", ""}, {"canary", "canary\xff"}} {
		err := c.Save(ctx, account, store.ClientKey{okta.NewSecret(key[0]), okta.NewSecret(key[1])})
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("Save of %q: %v", key, err)
		}
	}
	for value, want := range map[string]string{
		"canary-plain": "corrupt", `{"okauth":1}`: "corrupt", `{"okauth":2,"private_key":"canary"}`: "unsupported_version",
	} {
		_, err := store.ClientKeys{&fixed{[]byte(value)}}.Load(ctx, account)
		if kindOf(err) != want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
	}
	if err := c.Delete(ctx, account); err != nil || len(m.Accounts()) != 0 {
		t.Errorf("Delete: %v, left %q", err, m.Accounts())
	}
}
