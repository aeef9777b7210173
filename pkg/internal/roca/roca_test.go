package roca_test

import (
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"okauth/pkg/internal/roca"
)

// Keys made as RSALib made them, of each size, are recognized; ordinary ones are not.
func TestAT45_ROCA(t *testing.T) {
	t.Parallel()
	for bits, count := range map[int]int{512: 39, 1024: 71, 2048: 126, 4096: 225} {
		product := primorial(count)
		n := new(big.Int).Mul(weakFactor(t, bits/2, product), weakFactor(t, bits/2, product))
		if err := roca.Check(n); !errors.Is(err, roca.ErrWeak) {
			t.Errorf("%d bits: got %v, want ErrWeak", bits, err)
		}
		if err := roca.Check(new(big.Int).Add(n, big.NewInt(2))); err != nil {
			t.Errorf("%d bits, the next odd number: got %v", bits, err)
		}
	}
	for range 2000 {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 2048))
		if err != nil {
			t.Fatal(err)
		}
		if roca.Check(n.SetBit(n, 0, 1)) != nil {
			t.Errorf("%x is ordinary", n)
		}
	}
	if roca.Check(new(big.Int)) != nil {
		t.Error("zero is no weak key")
	}
}

// primorial is the product of the first primes.
func primorial(count int) *big.Int {
	product := big.NewInt(1)
	for n := int64(2); count > 0; n++ {
		if p := big.NewInt(n); p.ProbablyPrime(0) {
			product.Mul(product, p)
			count--
		}
	}
	return product
}

// weakFactor is k·M + (65537^a mod M), of about so many bits. Whether it is prime does not matter here.
func weakFactor(t *testing.T, bits int, m *big.Int) *big.Int {
	t.Helper()
	k, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(max(8, bits-m.BitLen()))))
	if err != nil {
		t.Fatal(err)
	}
	a, err := rand.Int(rand.Reader, m)
	if err != nil {
		t.Fatal(err)
	}
	return k.Add(k.Mul(k, m), a.Exp(big.NewInt(65537), a, m))
}
