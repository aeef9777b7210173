package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func TestSecretRedacts(t *testing.T) {
	t.Parallel()
	secret := New("canary-secret")
	type holder struct {
		hidden Secret // fmt calls no method on it
		Shown  Secret
	}
	var seen []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T%v", "%20s"} {
		if verb == "%T%v" {
			seen = append(seen, fmt.Sprintf(verb, secret, secret))
			continue
		}
		seen = append(seen, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, &secret), fmt.Sprintf(verb, holder{secret, secret}), fmt.Sprintf(verb, []Secret{secret}))
	}
	for _, value := range []any{secret, holder{secret, secret}, map[string]Secret{"a": secret}} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, string(text))
	}
	text, _ := secret.MarshalText()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "holder", holder{secret, secret})
	seen = append(seen, string(text), secret.String(), log.String())
	for _, text := range seen {
		if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Errorf("the secret shows: %s", text)
		}
	}
	if got := fmt.Sprint(secret, Secret{}); got != "•••• ••••" {
		t.Errorf("got %s", got)
	}
}

func TestSecretHoldsItsText(t *testing.T) {
	t.Parallel()
	a, b := New("canary-1"), New("canary-1")
	if a.Reveal() != "canary-1" || a.IsZero() || !a.Equal(b) || a.Equal(New("canary-2")) || a.Equal(Secret{}) {
		t.Error("a secret is not what was put into it")
	}
	if !New("").IsZero() || !(Secret{}).IsZero() || (Secret{}).Reveal() != "" || !New("").Equal(Secret{}) {
		t.Error("an empty secret is not zero")
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("equal secrets differ for reflect.DeepEqual")
	}
}
