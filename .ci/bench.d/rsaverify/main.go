// rsaverify N verifies one RS256 signature N times on all cores with crypto/rsa alone: it reads, parses and checks no
// token. It prints how many milliseconds that took, without making the key.
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: rsaverify N")
	}
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a token"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		log.Fatal(err)
	}
	began := time.Now()
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for first := range cores {
		wg.Go(func() {
			for i := first; i < n; i += cores {
				if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	wg.Wait()
	fmt.Println(time.Since(began).Milliseconds())
}
