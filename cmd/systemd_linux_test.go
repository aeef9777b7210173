package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// bootSystemd makes a system of its own for systemd: the files of this machine, where what is written is forgotten, the
// units of $1/units and no others, the secrets of $1/secrets, the directory $1/out, and a user orders. okauth is $2.
const bootSystemd = `set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/new /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/new,workdir=/mnt/work /mnt/root
root=/mnt/root
mount --rbind /dev $root/dev
mount -t proc proc $root/proc
mount -t sysfs -o ro sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $root/run
mkdir $root/units $root/out
mount --bind "$1/out" $root/out
cd /lib/systemd/system
for unit in sysinit basic shutdown exit umount final network-online; do cp $unit.target $root/units/; done
cp systemd-exit.service $root/units/
cp -r "$1/units/." $root/units/
cp -r "$1/secrets" $root/etc/okauth
chmod 755 $root/etc/okauth
cp "$1/ca.pem" $root/etc/okauth-ca.pem
touch $root/usr/local/bin/okauth
mount --bind "$2" $root/usr/local/bin/okauth
echo orders:x:4711:4711::/home/orders:/bin/false >>$root/etc/passwd
echo orders:x:4711: >>$root/etc/group
mount --make-rshared $root
exec env -i PATH="$PATH" container=okauth SYSTEMD_UNIT_PATH=/units chroot $root \
	/lib/systemd/systemd --system --unit=test.service --log-target=console --show-status=no
`

// ordersService goes on with the second unit of the page.
const ordersService = `[Service]
Type=oneshot
User=orders
StandardOutput=append:/out/said
ExecStart=curl -fsS -H @/run/orders-token/header https://api.example.com/v1/orders
`

// testService runs a script as root, whose output is out/said, and then ends systemd.
const testService = `[Unit]
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/bin/sh -eux /units/script
StandardOutput=append:/out/said
StandardError=append:/out/trace
`

// The units of docs/sidecars.md run under a systemd that is started here.
func TestSidecarOfSystemd(t *testing.T) {
	t.Parallel()
	installedOrSkip(t, "systemd-analyze")
	if os.Geteuid() != 0 {
		t.Skip("only root can start systemd")
	}
	k, _ := sidecarKitchen(t)
	blocks := sidecarsPage(t)["ini"]
	k.write(filepath.Join(k.home, "secrets", "password"), oktatest.DefaultPassword+"\n", 0o400)
	service := regexp.MustCompile(`(?m)^.*OKAUTH_GRANT=.*\n`)
	if !service.MatchString(blocks[0]) {
		t.Error("the unit has no line with OKAUTH_GRANT")
	}
	session := service.ReplaceAllString(blocks[0], blocks[2])
	session = strings.NewReplacer(readmeClient, oktatest.DefaultClientID, "orders-token", "session").Replace(session)
	const ca = "/etc/okauth-ca.pem"
	here := "[Service]\nEnvironment=HTTPS_PROXY=" + k.proxy + " SSL_CERT_FILE=" + ca + " CURL_CA_BUNDLE=" + ca + "\n"
	quiet := here + "StandardOutput=append:/out/quiet\nStandardError=append:/out/quiet\n"
	refused := strings.NewReplacer("/password\n", "/client-secret\n", "session", "refused").Replace(session)
	units := map[string]string{
		"orders-token.service":             blocks[0],
		"orders-token.service.d/here.conf": quiet,
		"session.service":                  session,
		"session.service.d/here.conf":      quiet,
		"refused.service":                  refused,
		"refused.service.d/here.conf":      here,
		"orders.service":                   blocks[1] + ordersService,
		"orders.service.d/here.conf":       here,
		"test.service":                     testService,
		"script": `systemctl start orders.service
systemctl --no-pager status orders-token.service | grep -o 'Status: "the token is valid until'
stat -c '%a %U' /run/orders-token/header
systemctl stop orders-token.service
test ! -e /run/orders-token
systemctl start session.service
systemctl restart session.service
if systemctl start refused.service || systemctl start refused.service; then exit 1; fi
systemctl show -P ActiveState refused.service
stat -c '%a %U' /run/session/header
`}
	k.systemd(units)
	said, _ := os.ReadFile(filepath.Join(k.home, "out", "said"))
	want := ordersAnswer + "Status: \"the token is valid until\n600 orders\nfailed\n600 orders\n"
	if string(said) != want {
		t.Errorf("got %q, want %q", said, want)
	}
	if quiet, err := os.ReadFile(filepath.Join(k.home, "out", "quiet")); err != nil || len(quiet) > 0 {
		t.Errorf("okauth said %q, %v", quiet, err)
	}
	k.ordered("/v1/orders")
	k.signedIn(3) // the service, the user, and a wrong password; none twice

	okauth, err := exec.LookPath("okauth")
	if err != nil {
		t.Fatal(err)
	}
	unit := strings.Replace(blocks[0], "/usr/local/bin/okauth", okauth, 1)
	k.write(filepath.Join(k.dir, "orders-token.service"), unit, 0o644)
	k.write(filepath.Join(k.dir, "orders.service"), blocks[1]+"[Service]\nExecStart=/bin/true\n", 0o644)
	verify := exec.Command("systemd-analyze", "verify", "--man=no", "./orders.service", "./orders-token.service")
	verify.Dir = k.dir
	// It checks the units of this machine that they need, too.
	if says, err := verify.CombinedOutput(); err != nil || bytes.Contains(says, []byte("orders")) {
		t.Errorf("systemd-analyze verify: %v: %s", err, says)
	}
}

// systemd boots with these units, and waits for its end.
func (k *kitchen) systemd(units map[string]string) {
	k.t.Helper()
	must(os.Mkdir(filepath.Join(k.home, "out"), 0o755))
	for name, text := range units {
		name = filepath.Join(k.home, "units", name)
		must(os.MkdirAll(filepath.Dir(name), 0o755))
		k.write(name, text, 0o644)
	}
	okauth := filepath.Join(k.home, "okauth") // not the program of the tests, whose locks are elsewhere
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", okauth, ".")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if says, err := build.CombinedOutput(); err != nil {
		k.t.Fatalf("%v: %s", err, says)
	}
	ctx, cancel := context.WithTimeout(k.t.Context(), longest)
	defer cancel()
	c := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--ipc", "--uts",
		"sh", "-c", bootSystemd, "sh", k.home, okauth)
	c.WaitDelay = time.Second
	if says, err := c.CombinedOutput(); err != nil {
		trace, _ := os.ReadFile(filepath.Join(k.home, "out", "trace"))
		k.t.Errorf("systemd: %v: %s%s", errors.Join(ctx.Err(), err), says, trace)
	}
}
