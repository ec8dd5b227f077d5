using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>A client of the simulated bus: connects again whenever its connection is gone.</summary>
internal abstract class SimulatedClient(Simulation simulation, string name, ProtocolVersion version)
{
    private int _connections;
    private bool _wasCaughtUp = true;

    public string Name { get; } = name;

    protected Simulation Simulation { get; } = simulation;

    protected SimulatedSocket? Socket { get; private set; }

    public bool IsConnected => Socket?.IsOpen == true;

    /// <summary>Its connection has ended, and it has noticed.</summary>
    public bool HasLeft => Socket is null;

    public bool IsSlow => Socket?.IsSlow == true;

    /// <summary>It read slowly, so what comes may have been revoked long ago.</summary>
    public bool IsBehind { get; private set; }

    /// <summary>Everything it sent was read by the bus.</summary>
    public virtual bool WasHeard => IsConnected && !Socket!.HasUnread;

    /// <summary>When the bus last rested, everything that it had for this client had arrived, and nothing has held up the rest.</summary>
    public bool IsCaughtUp => _wasCaughtUp && !IsBehind && !Simulation.HadReadFailure;

    /// <summary>When that was last so, or when it connected.</summary>
    public TimeSpan CaughtUpAt { get; private set; }

    /// <summary>Its session, as the bus calls it; v2 only.</summary>
    public string? SessionId { get; private set; }

    /// <summary>Does something, or nothing.</summary>
    /// <param name="heal">Only what brings the run to its end.</param>
    public void Step(bool heal)
    {
        if (IsConnected)
        {
            Act(heal);
            return;
        }

        Leave();
        var connection = ++_connections;
        Socket = Simulation.Connect(version, text =>
        {
            Simulation.Trace.Note($"{Name}.{connection} < {text}");
            if (connection != _connections || Socket is null)
                return;
            var message = JsonNode.Parse(text)!.AsObject();
            if ((string?)message["message_type"] == "hello")
                SessionId = (string?)message["session_id"];
            Receive(message);
        });
        (_wasCaughtUp, CaughtUpAt) = (true, Simulation.Elapsed);
        Simulation.Trace.Note($"{Name} connects");
        Greet();
    }

    public void Break()
    {
        if (!IsConnected)
            return;
        Simulation.Trace.Note($"{Name} breaks");
        Socket!.Abort();
        Leave();
    }

    public void ReadSlowly(bool slowly)
    {
        if (!IsConnected)
            return;
        IsBehind |= slowly;
        Socket!.ReadSlowly(slowly);
    }

    /// <summary>Everything the bus had for it has arrived.</summary>
    public void NoteRest()
    {
        // Of a connection that has ended the rest never arrives.
        if (!IsConnected)
            return;
        IsBehind &= IsSlow;
        _wasCaughtUp = !IsSlow && !Simulation.HadReadFailure;
        if (_wasCaughtUp)
            CaughtUpAt = Simulation.Elapsed;
    }

    /// <summary>The connection is gone, and everything that belonged to it.</summary>
    public virtual void Leave() => (Socket, SessionId, IsBehind) = (null, null, false);

    protected abstract void Greet();

    protected abstract void Act(bool heal);

    protected abstract void Receive(JsonObject message);

    protected void Send(string text)
    {
        Simulation.Trace.Note($"{Name} > {text}");
        Socket!.Send(text);
    }

    protected void SayGoodbye()
    {
        Simulation.Trace.Note($"{Name} says goodbye");
        Socket!.SayGoodbye();
        Leave();
    }
}
