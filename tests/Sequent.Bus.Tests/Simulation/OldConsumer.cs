using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>A v1 instance: no window, no nack. It acks in any order by key and value, or never; then others get what it had when it goes for good.</summary>
internal sealed class OldConsumer(Simulation simulation, string name, string clientType, bool acks) : SimulatedConsumer(simulation, name, clientType, ProtocolVersion.V1)
{
    private bool _isRegistered;
    private bool _isRetired;
    private long _received;

    public override void Leave()
    {
        base.Leave();
        _isRegistered = false;
    }

    protected override void Greet()
    {
    }

    protected override void Act(bool heal)
    {
        var random = Simulation.Random;
        if (heal && !acks && !_isRetired)
        {
            Simulation.Faults.Note(Fault.OldClientThatNeverAcks);
            _isRetired = true;
            SayGoodbye();
        }
        else if (!_isRegistered || (!heal && random.Next(8) == 0))
        {
            Register();
        }
        else if (acks && Held.Count > 0 && (heal || random.Next(3) > 0))
        {
            Ack(Held.Values.ElementAt(random.Next(Held.Count)));
        }
    }

    protected override void Receive(JsonObject message)
    {
        if ((string?)message["message_type"] != "event")
            return;
        var (key, value) = ((string)message["consistency"]!["key"]!, (uint)message["consistency"]!["value"]!);
        var position = Simulation.Log().First(e => e.Key == key && e.Value == value).Position;
        var held = new HeldDelivery(++_received, position, key) { At = SentAt };
        Simulation.Deliveries.CheckDelivery(this, held, redelivered: true, attempt: null);
        Held.Add(held.Delivery, held);
    }

    /// <summary>A client type that an old client brings begins with what comes after, so this one waits for others to bring it. It registers before every event, as the old library did.</summary>
    private void Register()
    {
        if (_isRetired || !Simulation.Knows(ClientType))
            return;
        _isRegistered = true;
        Send($$"""{"message_type":"register","client_type":"{{ClientType}}","event_types":["a","b"]}""");
    }

    private void Ack(HeldDelivery held)
    {
        Simulation.Faults.Note(Fault.OldAck);
        NoteAck(held);
        var value = Simulation.Log()[(int)held.Position - 1].Value;
        Send($$$"""{"message_type":"ack","consistency":{"key":"{{{held.Key}}}","value":{{{value}}}}}""");
    }
}
