package jwt

import (
	"context"
	"time"
)

// Batch judges tokens one after the other, each in the memory of the one before, which a stream of them feels: what is not
// allocated is neither cleared nor collected, and is in the processor's cache already. One goroutine may use it at a time.
type Batch struct {
	judge  *Verifier
	memory memory
}

// Series returns a new series; each goroutine that judges many tokens has its own.
func (j *Verifier) Series() *Batch { return &Batch{judge: j} }

// Judge is [Verifier.Judge], but for the verdict's Checks and Token: the next call overwrites what they hold. Texts taken out of them
// stay as they are.
func (s *Batch) Judge(ctx context.Context, token string, keys KeySource) (Report, error) {
	if keys == nil {
		return Report{}, rulesErrorf("no keys are given to judge with")
	}
	if s.memory.checks == nil {
		s.memory.checks = make([]Check, 0, 16)
	}
	s.memory.checks = s.memory.checks[:0]
	t := trial{Verifier: s.judge, memory: &s.memory}
	if err := t.judge(ctx, token, keys); err != nil {
		return Report{}, err
	}
	return t.verdict(), nil
}

// memory is what one token leaves to the next: room, and what is likely to be the same.
type memory struct {
	parser parser
	checks []Check
	signed []byte // what the signature is over
	kid    string
	now    nowTexts
}

// nowTexts are what the times of a token are held against, in words that change once a second.
type nowTexts struct {
	second           int64
	earliest, latest string
}

// set makes the texts those of now.
func (n *nowTexts) set(now time.Time, e *expectations) {
	if n.second == now.Unix() && n.latest != "" {
		return
	}
	text := timeText(now.Truncate(time.Second))
	*n = nowTexts{second: now.Unix(), earliest: "later than " + text + e.minusLeeway, latest: "at most " + text + e.plusLeeway}
}
