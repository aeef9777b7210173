package fakesecretservice

import (
	"cmp"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	servicePath = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath   = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	otherPath   = dbus.ObjectPath("/org/freedesktop/secrets/collection/other")
	defaultPath = dbus.ObjectPath("/org/freedesktop/secrets/aliases/default")
	sessionPath = dbus.ObjectPath("/org/freedesktop/secrets/session/1")
	foreignPath = dbus.ObjectPath("/org/freedesktop/secrets/collection/foreign/1")
	noPrompt    = dbus.ObjectPath("/")

	promptInterface = "org.freedesktop.Secret.Prompt"
)

// secret is the struct (oayays) of the specification.
type secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// secrets answers the calls to the secret service.
// https://specifications.freedesktop.org/secret-service-spec/latest/
func (c *conn) secrets(call *dbus.Message, member string) {
	path := dbus.ObjectPath(text(call, dbus.FieldPath))
	if c.unknown(call, member) {
		return
	}
	switch member {
	case "OpenSession":
		c.reply(call, dbus.MakeVariant(""), sessionPath)
	case "Close":
		c.reply(call)
	case "Unlock":
		c.unlock(call)
	case "SearchItems":
		c.search(call)
	case "GetSecret":
		c.getSecret(call, path)
	case "SetSecret":
		c.setSecret(call, path)
	case "CreateItem":
		c.createItem(call, path)
	case "Delete":
		c.deleteItem(call, path)
	case "Prompt":
		c.prompt(call, path)
	default:
		c.fail(call, busName+".Error.UnknownMethod", "No such method "+member)
	}
}

// unknown answers a call as gnome-keyring does where it has not noticed yet who calls: with an error, or by its death.
func (c *conn) unknown(call *dbus.Message, member string) bool {
	b := &c.fake.behavior
	unknown := b.Unknowing && !c.known
	c.known = true
	if !unknown {
		return false
	}
	if member != "SearchItems" {
		b.NoOwner = true
	}
	c.fail(call, busName+".Error.UnknownMethod", "Method "+member+" is not implemented")
	return true
}

func (b Behavior) hasCollection(path dbus.ObjectPath) bool {
	switch path {
	case loginPath:
		return !b.NoLogin && !b.NoCollection
	case defaultPath, otherPath:
		return !b.NoCollection
	default:
		return false
	}
}

// noObject answers a call of an object that does not exist.
func (c *conn) noObject(call *dbus.Message) {
	c.fail(call, busName+".Error.UnknownObject", "Object does not exist at path")
}

func (c *conn) unlock(call *dbus.Message) {
	b := &c.fake.behavior
	objects := arg[[]dbus.ObjectPath](call, 0)
	for _, path := range objects {
		if _, ok := c.fake.items[path]; ok {
			b.ItemsLocked = false
		} else if !b.hasCollection(path) {
			c.fail(call, "org.freedesktop.Secret.Error.NoSuchObject", "The object does not exist")
			return
		}
	}
	if !b.Locked {
		c.reply(call, objects, noPrompt)
		return
	}
	c.reply(call, []dbus.ObjectPath{}, c.fake.ask(func() dbus.Variant {
		b.Locked = false
		return dbus.MakeVariant(objects)
	}))
}

// search answers with the items of the service that have the wanted attributes, the oldest first: the unlocked and the
// locked ones.
func (c *conn) search(call *dbus.Message) {
	b := &c.fake.behavior
	wanted := arg[map[string]string](call, 0)
	found, none := []dbus.ObjectPath{}, []dbus.ObjectPath{}
	for itemPath, it := range c.fake.items {
		if includes(it.attributes, wanted) {
			found = append(found, itemPath)
		}
	}
	slices.SortFunc(found, func(a, b dbus.ObjectPath) int {
		return cmp.Or(len(a)-len(b), strings.Compare(string(a), string(b)))
	})
	if b.Vanish {
		for _, itemPath := range found {
			delete(c.fake.items, itemPath)
		}
	}
	if b.Foreign != "" {
		found = slices.Insert(found, 0, foreignPath)
	}
	switch {
	case b.WrongTypes:
		c.reply(call, "a string", "a string")
	case b.Locked, b.ItemsLocked:
		c.reply(call, none, found)
	default:
		c.reply(call, found, none)
	}
	b.Locked = b.Locked || b.Relock
}

// includes reports whether attributes has all that are wanted, with the same values.
func includes(attributes, wanted map[string]string) bool {
	for name, value := range wanted {
		if got, ok := attributes[name]; !ok || got != value {
			return false
		}
	}
	return true
}

func (c *conn) getSecret(call *dbus.Message, path dbus.ObjectPath) {
	b := c.fake.behavior
	it, ok := c.fake.items[path]
	if path == foreignPath && b.Foreign != "" {
		it, ok = item{value: []byte(b.Foreign)}, true
	}
	switch {
	case !ok:
		c.fail(call, "org.freedesktop.Secret.Error.NoSuchObject", "The item does not exist")
	case b.Locked, b.ItemsLocked:
		c.fail(call, "org.freedesktop.Secret.Error.IsLocked", "Cannot get secret of a locked object")
	default:
		c.reply(call, secret{sessionPath, []byte{}, it.value, "text/plain; charset=utf8"})
	}
}

// setSecret replaces the value of an item. A service that prompts has no place for a prompt in the answer.
func (c *conn) setSecret(call *dbus.Message, path dbus.ObjectPath) {
	f, b := c.fake, c.fake.behavior
	value := secretValue(call, 0)
	it, ok := f.items[path]
	switch {
	case !ok, b.PromptOnWrite:
		c.noObject(call)
	case c.refuses(call, value):
	case b.HoldWrites:
		f.held = append(f.held, func() { f.put(it.attributes, value) })
	case b.Lose:
		c.reply(call)
	default:
		f.put(it.attributes, value)
		c.reply(call)
	}
}

// secretValue returns the value of the secret that is an argument.
func secretValue(call *dbus.Message, n int) (value []byte) {
	if fields := arg[[]any](call, n); len(fields) == 4 {
		value, _ = fields[2].([]byte)
	}
	return value
}

// refuses answers with an error if value does not fit.
func (c *conn) refuses(call *dbus.Message, value []byte) bool {
	b := c.fake.behavior
	full := b.Full || b.MaxValue > 0 && len(value) > b.MaxValue
	if full {
		c.fail(call, busName+".Error.Failed", "No space left on device")
	}
	return full
}

func (c *conn) createItem(call *dbus.Message, path dbus.ObjectPath) {
	f, b := c.fake, c.fake.behavior
	value := secretValue(call, 1)
	properties := arg[map[string]dbus.Variant](call, 0)
	attributes, _ := properties["org.freedesktop.Secret.Item.Attributes"].Value().(map[string]string)
	_, known := f.find(attributes)
	switch {
	case !b.hasCollection(path):
		c.noObject(call)
	case c.refuses(call, value):
	case b.Room > 0 && !known && len(f.items) >= b.Room:
		c.fail(call, busName+".Error.Failed", "No space left on device")
	case b.HoldWrites:
		f.held = append(f.held, func() { f.put(attributes, value) })
	case b.Lose:
		c.reply(call, loginPath+"/lost", noPrompt)
	case b.PromptOnWrite:
		prompt := f.ask(func() dbus.Variant { return dbus.MakeVariant(f.put(attributes, value)) })
		c.reply(call, noPrompt, prompt)
	default:
		c.reply(call, f.put(attributes, value), noPrompt)
	}
}

func (c *conn) deleteItem(call *dbus.Message, path dbus.ObjectPath) {
	remove := func() dbus.Variant {
		delete(c.fake.items, path)
		return dbus.MakeVariant("")
	}
	if c.fake.behavior.Undeletable {
		c.fail(call, busName+".Error.InvalidArgs", "Invalid item path")
		return
	}
	prompt := noPrompt
	if c.fake.behavior.PromptOnWrite {
		prompt = c.fake.ask(remove)
	} else {
		remove()
	}
	c.reply(call, prompt)
}

// ask returns the path of a new prompt. accept runs when the user agrees; it returns the prompt's result.
func (f *Fake) ask(accept func() dbus.Variant) dbus.ObjectPath {
	path := f.name("/org/freedesktop/secrets/prompt/")
	f.prompts[path] = accept
	return path
}

// prompt shows a prompt to the user.
func (c *conn) prompt(call *dbus.Message, path dbus.ObjectPath) {
	accept, ok := c.fake.prompts[path]
	if !ok {
		c.noObject(call)
		return
	}
	delete(c.fake.prompts, path)
	c.reply(call)
	switch c.fake.behavior.Prompt {
	case PromptAccept:
		c.signal(path, promptInterface, "Completed", false, accept())
	case PromptDismiss:
		c.signal(path, promptInterface, "Completed", true, dbus.MakeVariant(""))
	case PromptDie:
		_ = c.stream.Close()
	case PromptNever:
	}
}
