// Command pki makes the certificates of one lab cluster.
//
// It reads a JSON list of requests on standard input and writes NAME.crt and
// NAME.key into the directory given as its argument. Files that exist stay as
// they are, so running it again completes a set that was left unfinished.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime is far longer than any lab lives.
const lifetime = 10 * 365 * 24 * time.Hour

// request is one certificate: signed by CA, or self-signed when CA is empty.
type request struct {
	Name   string   `json:"name"`
	CA     string   `json:"ca"`
	CN     string   `json:"cn"`
	Groups []string `json:"groups"`
	Hosts  []string `json:"hosts"`
}

func template(r request) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: r.CN, Organization: r.Groups},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if r.CA == "" {
		cert.IsCA = true
		cert.KeyUsage |= x509.KeyUsageCertSign
		cert.ExtKeyUsage = nil
	}
	for _, host := range r.Hosts {
		cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(host); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, host)
		}
	}
	return cert, nil
}

func readPEM(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", path)
	}
	return block.Bytes, nil
}

func loadCA(dir, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	der, err := readPEM(filepath.Join(dir, name+".crt"))
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	der, err = readPEM(filepath.Join(dir, name+".key"))
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(der)
	return cert, key, err
}

// writePEM makes the file appear complete or not at all.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path+".partial", data, mode); err != nil {
		return err
	}
	return os.Rename(path+".partial", path)
}

func issue(dir string, r request) error {
	certPath := filepath.Join(dir, r.Name+".crt")
	if _, err := os.Stat(certPath); err == nil {
		return nil
	}
	cert, err := template(r)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	parent, signer := cert, key
	if r.CA != "" {
		if parent, signer, err = loadCA(dir, r.CA); err != nil {
			return err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	// The key goes first: a certificate that exists always has its key.
	if err := writePEM(filepath.Join(dir, r.Name+".key"), "EC PRIVATE KEY", keyDER, 0o600); err != nil {
		return err
	}
	return writePEM(certPath, "CERTIFICATE", der, 0o644)
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: pki DIRECTORY < requests.json")
	}
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		return err
	}
	for _, r := range requests {
		if err := issue(os.Args[1], r); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pki:", err)
		os.Exit(1)
	}
}
