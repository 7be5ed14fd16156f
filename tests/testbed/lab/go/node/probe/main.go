// Command probe is the container image of the lab's own tests: a server and a
// client small enough to need no base image.
//
//	probe serve ADDRESS      answers every GET with its host name, path and peer
//	probe get URL            prints the body; status 22 when it is not 200
//	probe write PATH TEXT    writes a file
//	probe read PATH          prints a file
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func answer(w http.ResponseWriter, r *http.Request) {
	name, _ := os.Hostname()
	log.Printf("%s %s from %s", r.Method, r.URL.Path, r.RemoteAddr)
	fmt.Fprintf(w, "%s %s %s\n", name, r.URL.Path, r.RemoteAddr)
}

func serve(address string) error {
	log.Printf("serving on %s as uid %d", address, os.Getuid())
	return http.ListenAndServe(address, http.HandlerFunc(answer))
}

func get(url string) error {
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		os.Exit(22)
	}
	return nil
}

func read(path string) error {
	data, err := os.ReadFile(path)
	if err == nil {
		_, err = os.Stdout.Write(data)
	}
	return err
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "serve":
		return serve(arguments[1])
	case len(arguments) == 2 && arguments[0] == "get":
		return get(arguments[1])
	case len(arguments) == 3 && arguments[0] == "write":
		return os.WriteFile(arguments[1], []byte(arguments[2]), 0o644)
	case len(arguments) == 2 && arguments[0] == "read":
		return read(arguments[1])
	}
	return fmt.Errorf("usage: probe serve ADDRESS | get URL | write PATH TEXT | read PATH")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}
