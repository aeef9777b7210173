package session

// WithFastHash returns a guard whose records are worth nothing against an attacker, and quick to test.
func (g LockoutGuard) WithFastHash() LockoutGuard {
	g.iterations = 1000
	return g
}
