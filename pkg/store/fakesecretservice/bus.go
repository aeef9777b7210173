package fakesecretservice

import (
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	busName      = "org.freedesktop.DBus"
	secretsName  = "org.freedesktop.secrets"
	secretsOwner = ":1.0"
)

// dispatch hands a call to the bus or to the secret service, as its destination says.
func (c *conn) dispatch(call *dbus.Message) {
	member := text(call, dbus.FieldMember)
	c.fake.mu.Lock()
	c.fake.calls[member]++
	b := c.fake.behavior
	c.fake.mu.Unlock()
	switch destination := text(call, dbus.FieldDestination); {
	case destination == busName:
		c.bus(call, member, b)
	case destination != secretsName && destination != secretsOwner:
		c.fail(call, busName+".Error.ServiceUnknown", "The name is not known")
	case b.NoOwner && call.Flags&dbus.FlagNoAutoStart != 0:
		c.fail(call, busName+".Error.NameHasNoOwner", "Could not get owner of name '"+secretsName+"': no such name")
	case b.NoOwner && !c.start(b):
		if !b.ActivationHangs {
			c.fail(call, busName+".Error.ServiceUnknown", "The name "+secretsName+" was not provided by any .service files")
		}
	case b.Hang:
	default:
		time.Sleep(b.Delay)
		c.secrets(call, member, b)
	}
}

// start activates the secret service, as the bus does for a call to a name without an owner.
func (c *conn) start(b Behavior) bool {
	if !b.Activatable || b.ActivationHangs {
		return false
	}
	c.fake.Update(func(b *Behavior) { b.NoOwner = false })
	return true
}

// bus answers calls of the bus itself.
// https://dbus.freedesktop.org/doc/dbus-specification.html#message-bus-messages
func (c *conn) bus(call *dbus.Message, member string, b Behavior) {
	switch member {
	case "Hello":
		c.reply(call, busName, c.unique)
	case "ListActivatableNames":
		names := []string{busName}
		if b.Activatable {
			names = append(names, secretsName)
		}
		c.reply(call, busName, names)
	case "StartServiceByName":
		switch {
		case !b.NoOwner:
			c.reply(call, busName, uint32(2)) // DBUS_START_REPLY_ALREADY_RUNNING
		case c.start(b):
			c.reply(call, busName, uint32(1)) // DBUS_START_REPLY_SUCCESS
		case !b.ActivationHangs:
			c.fail(call, busName+".Error.ServiceUnknown", "The name was not provided by any .service files")
		}
	case "AddMatch", "RemoveMatch":
		c.reply(call, busName)
	default:
		c.fail(call, busName+".Error.UnknownMethod", "The bus has no method "+member)
	}
}
