// Package redistest starts real Redis servers for tests, on free loopback ports.
package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a running server. It keeps what it must in a directory, so that a server that is started again has it.
type Server struct {
	Addr    string // host:port
	Port    int
	Dir     string
	program string
	args    []string
	process *exec.Cmd
}

// Start starts redis-server in dir with the configuration args, such as "--appendonly", "yes", and returns when it
// answers. The error wraps exec.ErrNotFound where it is not installed.
func Start(dir string, args ...string) (*Server, error) {
	return start("redis-server", dir, args)
}

// StartSentinel starts redis-sentinel, which watches the master of that name at addr and fails over within a second or
// two after it is gone. more are lines of its configuration.
func StartSentinel(dir, name, addr string, more ...string) (*Server, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	lines := []string{
		fmt.Sprintf("sentinel monitor %s %s %s 1", name, host, port),
		fmt.Sprintf("sentinel down-after-milliseconds %s 500", name),
		fmt.Sprintf("sentinel failover-timeout %s 2000", name),
	}
	lines = append(lines, more...)
	config := filepath.Join(dir, "sentinel.conf")
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	return start("redis-sentinel", dir, []string{config})
}

// StartCluster starts a cluster of three masters, each with so many replicas, in directories below dir.
func StartCluster(dir string, replicas int) (nodes []*Server, err error) {
	create := []string{"--cluster", "create"}
	for i := range 3 * (1 + replicas) {
		node := filepath.Join(dir, strconv.Itoa(i))
		if err = os.Mkdir(node, 0o700); err != nil {
			break
		}
		bus, busErr := freePort()
		if busErr != nil {
			err = busErr
			break
		}
		s, startErr := Start(node, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
			"--cluster-port", strconv.Itoa(bus))
		if err = startErr; err != nil {
			break
		}
		nodes, create = append(nodes, s), append(create, s.Addr)
	}
	if err == nil {
		_, err = nodes[0].Do(append(create, "--cluster-replicas", strconv.Itoa(replicas), "--cluster-yes")...)
	}
	for _, s := range nodes { // they tell each other
		for range 100 {
			state, _ := s.Do("CLUSTER", "INFO")
			if err != nil || strings.Contains(state, "cluster_state:ok") {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	if err != nil {
		for _, s := range nodes {
			s.Kill()
		}
	}
	return nodes, err
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

func start(program, dir string, args []string) (*Server, error) {
	if _, err := exec.LookPath(program); err != nil {
		return nil, err
	}
	for range 5 { // another process may take the port meanwhile
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		s := &Server{Addr: address, Port: port, Dir: dir, program: program, args: args}
		if err = s.Restart(); err == nil {
			return s, nil
		}
	}
	return nil, errors.New(program + " did not start")
}

// Restart starts the server again after Kill or Stop, at the same address and with the same data.
func (s *Server) Restart() error {
	own := []string{"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.Dir}
	args := append(own, append([]string{"--save", "", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"},
		s.args...)...)
	if s.program == "redis-sentinel" { // its configuration file comes first
		args = append(append([]string(nil), s.args...), own...)
	}
	s.process = exec.Command(s.program, args...)
	output, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			text := lines.Text()
			if strings.Contains(text, "Ready to accept") || strings.Contains(text, "Sentinel ID is") {
				ready <- true
				break
			}
		}
		for lines.Scan() { // a full pipe would stop the server
		}
		close(ready)
	}()
	select {
	case ok := <-ready:
		if ok {
			return nil
		}
	case <-time.After(10 * time.Second):
	}
	s.Kill()
	return fmt.Errorf("%s on port %d ended", s.program, s.Port)
}

// Process returns the running process.
func (s *Server) Process() *os.Process { return s.process.Process }

// Kill ends the server as a power failure does.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// Stop ends the server as an administrator does: it asks again while the server refuses, as one does that writes its
// first append-only file.
func (s *Server) Stop() {
	ended := make(chan struct{})
	go func() { _ = s.process.Wait(); close(ended) }()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		_ = s.process.Process.Signal(syscall.SIGTERM) // a second SIGINT would end it like a crash
		select {
		case <-ended:
			return
		case <-again.C:
		}
	}
}

// Do sends a command with redis-cli and returns what that prints.
func (s *Server) Do(args ...string) (string, error) {
	text, err := exec.Command("redis-cli", append([]string{"-p", strconv.Itoa(s.Port)}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(text)), err
}
