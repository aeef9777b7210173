// Package roca recognizes the RSA keys that Infineon's chips and their library RSALib made until 2017 (CVE-2017-15361,
// "Return of Coppersmith's Attack"): the private key can be computed from the public one.
//
// Their primes are k·M + (65537^a mod M), where M is the product of the first primes. So is their product, the
// modulus: for each of these small primes it is a power of 65537, which for an ordinary modulus is so for all of them
// once in 10^8. Nemec, Sys, Svenda, Klinec and Matyas, ACM CCS 2017, §3.1:
// https://crocs.fi.muni.cz/public/papers/rsa_ccs17
package roca

import (
	"errors"
	"math/big"
)

// ErrWeak is the error of a key that must not be trusted or used.
var ErrWeak = errors.New("the RSA key is of a kind that can be broken (ROCA, CVE-2017-15361)")

// primes are in every M, whose smallest, for keys of 512 bits, has the first 39 primes. 2 says nothing.
func primes() [38]int64 {
	return [...]int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
		113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	}
}

// Check returns [ErrWeak] for the modulus of a key that can be broken, else nil.
func Check(modulus *big.Int) error {
	var rest big.Int
	for _, p := range primes() {
		if !isPower(rest.Mod(modulus, big.NewInt(p)).Int64(), p) {
			return nil
		}
	}
	return ErrWeak
}

// isPower reports whether n is a power of 65537 modulo p.
func isPower(n, p int64) bool {
	power := int64(1)
	for power != n {
		if power = power * 65537 % p; power == 1 {
			return false
		}
	}
	return true
}
