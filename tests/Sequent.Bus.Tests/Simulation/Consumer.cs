using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>An instance of a client type that acks, nacks, dawdles, and goes.</summary>
internal sealed class Consumer(Simulation simulation, string name, string clientType, string takes) : SimulatedClient(simulation, name, ProtocolVersion.V2)
{
    private readonly List<HeldDelivery> _revoked = [];

    public string ClientType { get; } = clientType;

    /// <summary>What it has, as far as it knows.</summary>
    public SortedDictionary<long, HeldDelivery> Held { get; } = [];

    /// <summary>What it acked since the bus was last seen to have heard it.</summary>
    public List<long> Acked { get; } = [];

    public override void Leave()
    {
        base.Leave();
        Held.Clear();
        Acked.Clear();
        _revoked.Clear();
    }

    protected override void Greet() =>
        Send($$"""{"message_type":"register","client_type":"{{ClientType}}","event_types":["{{takes}}"],"start":"earliest","max_in_flight":{{Simulation.Random.Next(1, 12)}},"max_in_flight_per_key":{{Simulation.Random.Next(1, 5)}}}""");

    protected override void Act(bool heal)
    {
        var random = Simulation.Random;
        if (heal)
        {
            if (Held.Count > 0)
                AckUpTo(Held.Keys.Last());
            return;
        }

        if (_revoked.Count > 0 && random.Next(4) == 0)
        {
            var revoked = _revoked[random.Next(_revoked.Count)];
            Simulation.AckRevoked(this, revoked);
            Send($$"""{"message_type":"ack","deliveries":[{{revoked.Delivery}}]}""");
        }

        if (Held.Count == 0)
            return;
        var delivery = Held.Keys.ElementAt(random.Next(Held.Count));
        switch (random.Next(12))
        {
            case 0: Nack(delivery, ""); break;
            case 1: Nack(delivery, ",\"delay_ms\":20"); break;
            case 2: Nack(delivery, ",\"dead_letter\":true"); break;
            case 3: AckUpTo(delivery); break;
            case 4 when random.Next(4) == 0: SayGoodbye(); Simulation.Faults.Note(Fault.Goodbye); break;
            case < 10: Ack([delivery]); break;
        }
    }

    protected override void Receive(JsonObject message)
    {
        switch ((string?)message["message_type"])
        {
            case "events":
                foreach (var e in message["events"]!.AsArray())
                    Take(e!.AsObject());
                break;
            case "revoked":
                foreach (var delivery in message["deliveries"]!.AsArray())
                {
                    if (Held.Remove((long)delivery!, out var held))
                        _revoked.Add(held);
                }

                break;
            case "error":
                Assert.That((string?)message["code"], Is.EqualTo("store_unavailable").Or.EqualTo("shutting_down"), message.ToJsonString());
                SayGoodbye();
                break;
        }
    }

    /// <summary>Settles what a plan of a bug says is held here.</summary>
    public void SettleBehindItsBack(long delivery) => Socket!.Send($$"""{"message_type":"ack","deliveries":[{{delivery}}]}""");

    private void Take(JsonObject e)
    {
        var held = new HeldDelivery((long)e["delivery"]!, (long)e["position"]!, (string)e["consistency"]!["key"]!);
        Simulation.Checker.CheckDelivery(this, held, (bool)e["redelivered"]!);

        // The bus sent it before it heard that an earlier one was given back.
        held.IsDoubtful = Held.Values.Any(h => h.Key == held.Key && h.IsDoubtful);
        Held.Add(held.Delivery, held);
    }

    private void Ack(IReadOnlyList<long> deliveries)
    {
        foreach (var delivery in deliveries)
            NoteAck(Held[delivery]);
        Send($$"""{"message_type":"ack","deliveries":[{{string.Join(',', deliveries)}}]}""");
    }

    /// <summary>The ack of what was given back before settles nothing; it is about to be revoked.</summary>
    private void NoteAck(HeldDelivery held)
    {
        if (held.IsDoubtful)
            return;
        Held.Remove(held.Delivery);
        Simulation.Checker.NoteAck(this, held);
        Acked.Add(held.Position);
    }

    private void AckUpTo(long delivery)
    {
        foreach (var held in Held.Values.Where(h => h.Delivery <= delivery).ToArray())
            NoteAck(held);
        Send($$"""{"message_type":"ack","up_to":{{delivery}}}""");
    }

    private void Nack(long delivery, string more)
    {
        var failed = Held[delivery];
        foreach (var later in Held.Values.Where(h => h.Key == failed.Key && h.Position >= failed.Position))
            later.IsDoubtful = true;
        Send($$"""{"message_type":"nack","delivery":{{delivery}}{{more}}}""");
    }
}

/// <summary>A delivery a consumer has.</summary>
internal sealed record HeldDelivery(long Delivery, long Position, string Key)
{
    /// <summary>It was given back, or is about to be revoked.</summary>
    public bool IsDoubtful { get; set; }
}
