package fakesecretservice

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	servicePath  = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath    = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	otherPath    = dbus.ObjectPath("/org/freedesktop/secrets/collection/other")
	defaultPath  = dbus.ObjectPath("/org/freedesktop/secrets/aliases/default")
	sessionPath  = dbus.ObjectPath("/org/freedesktop/secrets/session/1")
	foreignPath  = dbus.ObjectPath("/org/freedesktop/secrets/collection/foreign/1")
	noPrompt     = dbus.ObjectPath("/")
	promptPrefix = "/org/freedesktop/secrets/prompt/"

	collectionInterface = "org.freedesktop.Secret.Collection"
	promptInterface     = "org.freedesktop.Secret.Prompt"
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
func (c *conn) secrets(call *dbus.Message, member string, b Behavior) {
	path := dbus.ObjectPath(text(call, dbus.FieldPath))
	switch member {
	case "OpenSession":
		c.reply(call, secretsOwner, dbus.MakeVariant(""), sessionPath)
	case "Close":
		c.reply(call, secretsOwner)
	case "Get":
		c.properties(call, path, b)
	case "Unlock":
		c.unlock(call, b)
	case "SearchItems":
		c.search(call, path, b)
	case "GetSecret":
		c.getSecret(call, path, b)
	case "CreateItem":
		c.createItem(call, path, b)
	case "Delete":
		c.deleteItem(call, path, b)
	case "Prompt":
		c.prompt(call, path, b)
	default:
		c.fail(call, busName+".Error.UnknownMethod", "No such method "+member)
	}
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

func (c *conn) properties(call *dbus.Message, path dbus.ObjectPath, b Behavior) {
	values := map[string]dbus.Variant{}
	switch {
	case path == servicePath && b.WrongTypes:
		values["Collections"] = dbus.MakeVariant("not a list")
	case path == servicePath:
		collections := []dbus.ObjectPath{}
		for _, p := range []dbus.ObjectPath{loginPath, otherPath} {
			if b.hasCollection(p) {
				collections = append(collections, p)
			}
		}
		values["Collections"] = dbus.MakeVariant(collections)
	case b.hasCollection(path) && b.WrongTypes:
		values["Locked"] = dbus.MakeVariant("perhaps")
	case b.hasCollection(path):
		values["Locked"] = dbus.MakeVariant(b.Locked)
	default:
		c.fail(call, busName+".Error.UnknownObject", "Object does not exist at path")
		return
	}
	value, ok := values[arg[string](call, 1)]
	if !ok {
		c.fail(call, busName+".Error.UnknownProperty", "No such property")
		return
	}
	c.reply(call, secretsOwner, value)
}

func (c *conn) unlock(call *dbus.Message, b Behavior) {
	objects := arg[[]dbus.ObjectPath](call, 0)
	for _, path := range objects {
		if strings.HasPrefix(string(path), "/org/freedesktop/secrets/aliases/") || path == loginPath || path == otherPath {
			if !b.hasCollection(path) {
				c.fail(call, "org.freedesktop.Secret.Error.NoSuchObject", "The collection does not exist")
				return
			}
		}
	}
	if b.ItemsLocked && slices.ContainsFunc(objects, c.fake.isItem) {
		c.fake.Update(func(b *Behavior) { b.ItemsLocked = false })
	}
	if !b.Locked {
		c.reply(call, secretsOwner, objects, noPrompt)
		return
	}
	c.reply(call, secretsOwner, []dbus.ObjectPath{}, c.fake.ask(func() dbus.Variant {
		c.fake.behavior.Locked = false
		return dbus.MakeVariant(objects)
	}))
}

// search returns the items whose attributes include the wanted ones, the oldest first.
func (c *conn) search(call *dbus.Message, path dbus.ObjectPath, b Behavior) {
	if !b.hasCollection(path) {
		c.fail(call, busName+".Error.UnknownObject", "Object does not exist at path")
		return
	}
	wanted := arg[map[string]string](call, 0)
	found := []dbus.ObjectPath{}
	c.fake.mu.Lock()
	for itemPath, it := range c.fake.items {
		matches := maps.Clone(it.attributes)
		maps.DeleteFunc(matches, func(name, value string) bool { return wanted[name] != value })
		if len(matches) != len(wanted) {
			continue
		}
		found = append(found, itemPath)
		if b.Vanish {
			delete(c.fake.items, itemPath)
		}
	}
	c.fake.mu.Unlock()
	slices.SortFunc(found, func(a, b dbus.ObjectPath) int {
		return cmp.Or(len(a)-len(b), strings.Compare(string(a), string(b)))
	})
	if b.Foreign != "" {
		found = slices.Insert(found, 0, foreignPath)
	}
	if b.Relock {
		c.fake.Update(func(b *Behavior) { b.Locked = true })
	}
	c.reply(call, secretsOwner, found)
}

func (c *conn) getSecret(call *dbus.Message, path dbus.ObjectPath, b Behavior) {
	c.fake.mu.Lock()
	it, ok := c.fake.items[path]
	c.fake.mu.Unlock()
	if path == foreignPath && b.Foreign != "" {
		it, ok = item{value: []byte(b.Foreign)}, true
	}
	switch {
	case !ok:
		c.fail(call, "org.freedesktop.Secret.Error.NoSuchObject", "The item does not exist")
	case b.Locked, b.ItemsLocked:
		c.fail(call, "org.freedesktop.Secret.Error.IsLocked", "Cannot get secret of a locked object")
	default:
		c.reply(call, secretsOwner, secret{sessionPath, []byte{}, it.value, "text/plain; charset=utf8"})
	}
}

func (c *conn) createItem(call *dbus.Message, path dbus.ObjectPath, b Behavior) {
	fields := arg[[]any](call, 1)
	var value []byte
	if len(fields) == 4 {
		value, _ = fields[2].([]byte)
	}
	properties := arg[map[string]dbus.Variant](call, 0)
	attributes, _ := properties["org.freedesktop.Secret.Item.Attributes"].Value().(map[string]string)
	switch {
	case !b.hasCollection(path):
		c.fail(call, busName+".Error.UnknownObject", "Object does not exist at path")
	case b.Full, b.Room > 0 && c.fake.isNewBeyond(b.Room, attributes), b.MaxValue > 0 && len(value) > b.MaxValue:
		c.fail(call, busName+".Error.Failed", "No space left on device")
	case b.HoldWrites:
		c.fake.hold(func() { c.fake.put(maps.Clone(attributes), value) })
	case b.Lose:
		c.reply(call, secretsOwner, loginPath+"/lost", noPrompt)
	case b.PromptOnWrite:
		c.reply(call, secretsOwner, noPrompt, c.fake.ask(func() dbus.Variant {
			return dbus.MakeVariant(c.fake.put(maps.Clone(attributes), value))
		}))
	default:
		c.fake.mu.Lock()
		created := c.fake.put(maps.Clone(attributes), value)
		c.fake.mu.Unlock()
		c.reply(call, secretsOwner, created, noPrompt)
	}
}

func (f *Fake) isItem(path dbus.ObjectPath) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.items[path]
	return ok
}

// isNewBeyond reports whether an item would be added where there are room items already.
func (f *Fake) isNewBeyond(room int, attributes map[string]string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, known := f.find(attributes)
	return !known && len(f.items) >= room
}

func (f *Fake) hold(write func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(f.held, write)
}

func (c *conn) deleteItem(call *dbus.Message, path dbus.ObjectPath, b Behavior) {
	remove := func() dbus.Variant {
		delete(c.fake.items, path)
		return dbus.MakeVariant("")
	}
	if b.PromptOnWrite {
		c.reply(call, secretsOwner, c.fake.ask(remove))
		return
	}
	c.fake.mu.Lock()
	remove()
	c.fake.mu.Unlock()
	c.reply(call, secretsOwner, noPrompt)
}

// ask returns the path of a new prompt. accept runs with f.mu held when the user agrees; it returns the prompt's
// result.
func (f *Fake) ask(accept func() dbus.Variant) dbus.ObjectPath {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := f.name(promptPrefix)
	f.prompts[path] = accept
	return path
}

// prompt shows a prompt to a user who behaves as b says.
func (c *conn) prompt(call *dbus.Message, path dbus.ObjectPath, b Behavior) {
	c.fake.mu.Lock()
	accept, ok := c.fake.prompts[path]
	delete(c.fake.prompts, path)
	result := dbus.MakeVariant("")
	if ok && b.Prompt == PromptAccept {
		result = accept()
	}
	c.fake.mu.Unlock()
	if !ok {
		c.fail(call, busName+".Error.UnknownObject", "Object does not exist at path")
		return
	}
	c.reply(call, secretsOwner)
	switch b.Prompt {
	case PromptAccept, PromptDismiss:
		c.signal(path, promptInterface, "Completed", b.Prompt == PromptDismiss, result)
	case PromptDie:
		_ = c.stream.Close()
	case PromptNever:
	}
}
