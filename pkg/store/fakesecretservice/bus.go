package fakesecretservice

import (
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	busName     = "org.freedesktop.DBus"
	secretsName = "org.freedesktop.secrets"
)

// dispatch hands a call to the bus or to the secret service, as its destination says.
func (c *conn) dispatch(call *dbus.Message) {
	member, destination := text(call, dbus.FieldMember), text(call, dbus.FieldDestination)
	c.fake.mu.Lock()
	c.fake.calls[member]++
	delay := c.fake.behavior.Delay
	c.fake.mu.Unlock()
	if destination != busName {
		time.Sleep(delay)
	}
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	b := &c.fake.behavior
	switch {
	case destination == busName:
		c.bus(call, member)
	case destination != secretsName:
		c.fail(call, busName+".Error.ServiceUnknown", "The name is not known")
	case b.NoOwner && call.Flags&dbus.FlagNoAutoStart != 0:
		c.fail(call, busName+".Error.NameHasNoOwner", "Could not get owner of name '"+secretsName+"': no such name")
	case b.NoOwner && !b.start():
		c.cannotStart(call)
	case b.Hang:
	default:
		c.secrets(call, member)
	}
}

// start activates the secret service, as the bus does for a call to a name without an owner. It reports whether the
// service runs then.
func (b *Behavior) start() bool {
	b.NoOwner = b.NoOwner && (!b.Activatable || b.ActivationHangs)
	return !b.NoOwner
}

func (c *conn) cannotStart(call *dbus.Message) {
	if !c.fake.behavior.ActivationHangs {
		c.fail(call, busName+".Error.ServiceUnknown", "The name "+secretsName+" was not provided by any .service files")
	}
}

// bus answers calls of the bus itself.
// https://dbus.freedesktop.org/doc/dbus-specification.html#message-bus-messages
func (c *conn) bus(call *dbus.Message, member string) {
	b := &c.fake.behavior
	switch member {
	case "Hello":
		c.reply(call, c.unique)
	case "ListActivatableNames":
		names := []string{busName}
		if b.Activatable {
			names = append(names, secretsName)
		}
		c.reply(call, names)
	case "StartServiceByName":
		switch {
		case !b.NoOwner:
			c.reply(call, uint32(2)) // DBUS_START_REPLY_ALREADY_RUNNING
		case b.start():
			c.reply(call, uint32(1)) // DBUS_START_REPLY_SUCCESS
		default:
			c.cannotStart(call)
		}
	case "AddMatch", "RemoveMatch":
		c.reply(call)
	default:
		c.fail(call, busName+".Error.UnknownMethod", "The bus has no method "+member)
	}
}
