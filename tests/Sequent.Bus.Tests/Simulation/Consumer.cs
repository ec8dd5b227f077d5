using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>An instance of a client type that acks, nacks, asks for more time, dawdles, leaves, and goes.</summary>
internal sealed class Consumer(Simulation simulation, string name, string clientType, string takes) : SimulatedConsumer(simulation, name, clientType, ProtocolVersion.V2)
{
    private readonly List<HeldDelivery> _revoked = [];
    private Registration _registration;
    private (int All, int PerKey) _nextWindow;

    // The bus stops, or an operator ends the session.
    private bool _endsSoon;

    private enum Registration
    {
        Asked,
        Stands,
        Draining,
        Ending,
        None,
    }

    public override bool IsEnding => _endsSoon || _registration == Registration.Ending;

    public override bool IsBusy => base.IsBusy || _registration != Registration.Stands;

    /// <summary>An ack may come too late, which the bus tells.</summary>
    public override bool WasHeard => base.WasHeard && (IsCaughtUp || !(IsEnding || Simulation.Plan.AckDeadline is not null));

    public override void Leave()
    {
        base.Leave();
        _revoked.Clear();
        _endsSoon = false;
    }

    /// <summary>Settles what a plan of a bug says is held here.</summary>
    public void SettleBehindItsBack(long delivery) => Socket!.Send($$"""{"message_type":"ack","deliveries":[{{delivery}}]}""");

    /// <summary>An operator is about to end the session.</summary>
    public void NoteKicked()
    {
        _endsSoon = true;
        DoubtAll();
    }

    protected override void Greet() => Register();

    protected override void Act(bool heal)
    {
        if (_registration == Registration.None)
            Register();
        if (_registration is not (Registration.Stands or Registration.Draining))
            return;
        if (heal)
        {
            if (Held.Count > 0)
                AckUpTo(Held.Keys.Last());
            return;
        }

        var random = Simulation.Random;
        if (_revoked.Count > 0 && random.Next(4) == 0)
        {
            var revoked = _revoked[random.Next(_revoked.Count)];
            Simulation.AckRevoked(this, revoked);
            Send($$"""{"message_type":"ack","deliveries":[{{revoked.Delivery}}]}""");
        }

        if (_registration == Registration.Stands && random.Next(15) == 0)
            ChangeRegistration(random);
        else if (Held.Count > 0)
            Handle(Held.Values.ElementAt(random.Next(Held.Count)), random);
    }

    protected override void Receive(JsonObject message)
    {
        switch ((string?)message["message_type"])
        {
            case "registration":
                (_registration, Window) = (Registration.Stands, _nextWindow);
                break;
            case "unregistered":
                Assert.That(Held, Is.Empty, "nothing is in flight once it has left");
                _registration = Registration.None;
                break;
            case "draining":
                _endsSoon = true;
                break;
            case "events":
                foreach (var e in message["events"]!.AsArray())
                    Take(e!.AsObject());
                break;
            case "revoked":
                TakeBack([.. message["deliveries"]!.AsArray().Select(d => (long)d!)]);
                break;
            case "error":
                string[] codes = ["store_unavailable", "shutting_down", .. _endsSoon ? ["not_registered"] : Array.Empty<string>()];
                Assert.That(codes, Does.Contain((string?)message["code"]), message.ToJsonString());
                SayGoodbye();
                break;
        }
    }

    private void Handle(HeldDelivery held, Random random)
    {
        switch (random.Next(12))
        {
            case 0: Nack(held, 100, "", false); break;
            case 1: Nack(held, 20, ",\"delay_ms\":20", false); break;
            case 2: Nack(held, 0, ",\"dead_letter\":true", true); break;
            case 3: AckUpTo(held.Delivery); break;
            case 4 when random.Next(4) == 0: SayGoodbye(); Simulation.Faults.Note(Fault.Goodbye); break;
            case 5 when Simulation.Plan.AckDeadline is not null: Extend(held, random.Next(100, 1_500)); break;
            case < 10: Ack(held); break;
        }
    }

    private void Register()
    {
        _registration = Registration.Asked;
        _nextWindow = (Simulation.Random.Next(1, 12), Simulation.Random.Next(1, 5));
        var perKey = Simulation.IgnoresWindowPerKey ? "" : $",\"max_in_flight_per_key\":{_nextWindow.PerKey}";
        Send($$"""{"message_type":"register","client_type":"{{ClientType}}","event_types":["{{takes}}"],"start":"earliest","max_in_flight":{{_nextWindow.All}}{{perKey}}}""");
    }

    private void ChangeRegistration(Random random)
    {
        switch (random.Next(3))
        {
            case 0:
                Simulation.Faults.Note(Fault.RegisteredAgain);
                Register();
                break;
            case 1:
                Simulation.Faults.Note(Fault.UnregisterWithDrain);
                _registration = Registration.Draining;
                Send("""{"message_type":"unregister","drain":true}""");
                break;
            case 2:
                Simulation.Faults.Note(Fault.Unregister);
                _registration = Registration.Ending;
                DoubtAll();
                Send("""{"message_type":"unregister"}""");
                break;
        }
    }

    private void DoubtAll()
    {
        foreach (var held in Held.Values)
            held.IsDoubtful = true;
    }

    private void Take(JsonObject e)
    {
        var key = (string)e["consistency"]!["key"]!;
        var held = new HeldDelivery((long)e["delivery"]!, (long)e["position"]!, key) { At = SentAt, IsRedriven = e["redriven"] is { } redriven && (bool)redriven };
        Assert.That(_registration, Is.Not.EqualTo(Registration.None), "nothing comes to who left");
        Simulation.Deliveries.CheckDelivery(this, held, (bool)e["redelivered"]!, (int)e["attempt"]!);

        // The bus sent it before it heard that an earlier one was given back.
        held.IsGivenBack = Held.Values.Any(h => h.Key == key && h.IsGivenBack);
        held.IsDoubtful = held.IsGivenBack || IsEnding;
        Held.Add(held.Delivery, held);
    }

    /// <summary>The first is what failed, unless everything is taken back because this instance goes.</summary>
    private void TakeBack(List<long> deliveries)
    {
        for (var i = 0; i < deliveries.Count; i++)
        {
            if (!Held.Remove(deliveries[i], out var held) && !Acked.Remove(deliveries[i], out held))
                throw new AssertionException($"delivery {deliveries[i]} was revoked although it was settled");
            _revoked.Add(held);
            if (IsEnding)
                Simulation.Deliveries.NotePerhapsExpired(this, held);
            else if (i == 0)
                Simulation.Deliveries.NoteFailure(this, held);
            else if (held.Nack is { } tooLate)
                Simulation.Deliveries.NoteTooLate(this, held, tooLate);
        }
    }

    private void Ack(HeldDelivery held)
    {
        NoteAck(held);
        Send($$"""{"message_type":"ack","deliveries":[{{held.Delivery}}]}""");
    }

    private void AckUpTo(long delivery)
    {
        foreach (var held in Held.Values.Where(h => h.Delivery <= delivery).ToArray())
            NoteAck(held);
        Send($$"""{"message_type":"ack","up_to":{{delivery}}}""");
    }

    private void Nack(HeldDelivery failed, int delay, string more, bool deadLetter)
    {
        if (!failed.IsGivenBack)
        {
            failed.Nack = new SentNack(Simulation.Elapsed, TimeSpan.FromMilliseconds(delay), deadLetter);
            Simulation.Deliveries.NoteNack(this, failed, failed.Nack);
        }

        foreach (var later in Held.Values.Where(h => h.Key == failed.Key && h.Delivery >= failed.Delivery))
            later.IsGivenBack = later.IsDoubtful = true;
        Send($$"""{"message_type":"nack","delivery":{{failed.Delivery}}{{more}}}""");
    }

    private void Extend(HeldDelivery held, int milliseconds)
    {
        Simulation.Faults.Note(Fault.Extend);
        held.Extended = (Simulation.Elapsed + TimeSpan.FromMilliseconds(milliseconds), false);
        Send($$"""{"message_type":"extend","deliveries":[{{held.Delivery}}],"ms":{{milliseconds}}}""");
    }
}
