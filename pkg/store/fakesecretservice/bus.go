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
	b := c.fake.behaviour
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
		// Late, but in order.
		time.Sleep(b.Delay)
		c.secrets(call, member, b)
	}
}

// start activates the secret service, as the bus does for a call to a name that has no owner.
func (c *conn) start(b Behaviour) bool {
	if !b.Activatable || b.ActivationHangs {
		return false
	}
	c.fake.Update(func(b *Behaviour) { b.NoOwner = false })
	return true
}

// bus answers the calls that concern the bus itself.
// https://dbus.freedesktop.org/doc/dbus-specification.html#message-bus-messages
func (c *conn) bus(call *dbus.Message, member string, b Behaviour) {
	owned := arg[string](call, 0) == secretsName && !b.NoOwner
	switch member {
	case "Hello":
		c.reply(call, busName, c.unique)
	case "NameHasOwner":
		c.reply(call, busName, owned)
	case "GetNameOwner":
		if !owned {
			c.fail(call, busName+".Error.NameHasNoOwner", "Could not get owner of name: no such name")
			return
		}
		c.reply(call, busName, secretsOwner)
	case "ListNames":
		names := []string{busName}
		if !b.NoOwner {
			names = append(names, secretsName)
		}
		c.reply(call, busName, names)
	case "ListActivatableNames":
		names := []string{busName}
		if b.Activatable {
			names = append(names, secretsName)
		}
		c.reply(call, busName, names)
	case "StartServiceByName":
		switch {
		case owned:
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
