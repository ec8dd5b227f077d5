using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>Follows the log from where it was.</summary>
internal sealed class Follower(Simulation simulation, string name) : SimulatedClient(simulation, name, ProtocolVersion.V2)
{
    /// <summary>It has seen everything up to here.</summary>
    public long Position { get; private set; }

    // Positions mean something only in their own log.
    private string? _logId;

    protected override void Greet() => Send($$"""{"message_type":"query","request_id":"f","follow":true,"after":{{Position}}{{(_logId is null ? "" : $",\"log_id\":\"{_logId}\"")}},"page_size":5,"credit":2}""");

    protected override void Act(bool heal)
    {
    }

    protected override void Receive(JsonObject message)
    {
        switch ((string?)message["message_type"])
        {
            case "hello":
                _logId ??= (string?)message["log_id"];
                break;
            case "rebuild":
                foreach (var e in message["events"]!.AsArray())
                {
                    Assert.That((long)e!["position"]!, Is.EqualTo(Position + 1), "a follower sees everything once, in order");
                    Position++;
                }

                Assert.That((long)message["position"]!, Is.EqualTo(Position));
                if (IsConnected)
                    Send("""{"message_type":"more","request_id":"f","pages":1}""");
                break;
            case "error":
                if ((string?)message["code"] == "log_changed")
                    (_logId, Position) = (null, 0);
                SayGoodbye();
                break;
        }
    }
}
