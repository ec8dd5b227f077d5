using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>A v1 client that publishes: no ids, so what has no receipt when its connection breaks stays unknown.</summary>
internal sealed class OldPublisher(Simulation simulation, string name) : SimulatedClient(simulation, name, ProtocolVersion.V1)
{
    private readonly Queue<long> _open = new();

    public bool IsDone => _open.Count == 0;

    public override void Leave()
    {
        base.Leave();
        _open.Clear();
    }

    protected override void Greet()
    {
    }

    protected override void Act(bool heal)
    {
        if (heal || _open.Count >= 4)
            return;
        var number = Simulation.NextNumber();
        _open.Enqueue(number);
        Send($$$"""{"message_type":"new","events":[{"consistency":{"key":"k{{{Simulation.Random.Next(6)}}}"},"correlation_id":1,"event_type":"a","data":{"n":{{{number}}}}}]}""");
    }

    protected override void Receive(JsonObject message)
    {
        // What it sends while the bus stops is refused, which old clients log and nothing else.
        if ((string?)message["code"] == ErrorCodes.ShuttingDown)
            return;
        Assert.That((string?)message["message_type"], Is.EqualTo("receipt"), "all that a v1 publisher is ever told");
        Assert.That((string?)message["receipts"]![0]!["status"], Is.EqualTo("success"));
        Simulation.Checker.CheckOldReceipt(_open.Dequeue());
    }
}
