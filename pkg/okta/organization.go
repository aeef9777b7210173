package okta

import (
	"context"
	"errors"
)

// Organization is what an Okta org tells everybody about itself.
type Organization struct {
	ID string // "00o…"
	// Pipeline is the engine: "idx" is Identity Engine, "v1" Classic Engine. Another word is as it came, made printable.
	Pipeline string
}

// Organization asks which org is at the server's address, and whether there is one at all: only Okta answers with an Organization.
// The error is one of Token's.
func (c *Client) Organization(ctx context.Context) (*Organization, error) {
	a, err := c.get(ctx, organization, c.Server.BaseURL()+"/.well-known/okta-organization", Secret{})
	if err != nil {
		return nil, err
	}
	m, err := a.document()
	if err != nil {
		return nil, err
	}
	id, err := m.text("id")
	if err == nil && id == "" {
		err = errors.New("id is missing")
	}
	pipeline, odd := m.text("pipeline")
	if err = errors.Join(err, odd); err != nil {
		return nil, a.unusable("an unusable description of an org", err)
	}
	return &Organization{ID: a.foreign(id, 80), Pipeline: a.foreign(pipeline, 40)}, nil
}
