using System.Runtime.ExceptionServices;
using Sequent.Bus.Operating;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>What is done to the bus and its clients from outside.</summary>
internal sealed partial class Simulation
{
    private IReadOnlyList<DeadLetter> ReadLetters(string clientType) => Disk.Store.ReadDeadLettersAsync(clientType, 0, int.MaxValue, default).AsTask().Result;

    private IEnumerable<OldConsumer> OldConsumers() => Plan.OldConsumerAcks is { } acks ? [new OldConsumer(this, "ledger", "accounts", acks)] : [];

    private void BreakOne()
    {
        Faults.Note(Fault.BrokenSession);
        var client = _clients[Random.Next(_clients.Count)];
        if (!Plan.CountsLosses)
        {
            client.Break();
            return;
        }

        // The bus and the client agree on what the client has.
        client.ReadSlowly(false);
        _context.Run();
        if (client is Consumer { IsConnected: true } consumer)
            Deliveries.NoteLost(consumer);
        client.Break();
        _context.Run();
    }

    private void SlowOne()
    {
        var client = _clients[Random.Next(_clients.Count)];
        if (!client.IsSlow)
            Faults.Note(Fault.SlowReader);
        client.ReadSlowly(!client.IsSlow);
    }

    private void SetClock()
    {
        var back = Random.Next(2) == 0;
        Faults.Note(back ? Fault.ClockStepsBack : Fault.ClockJumps);
        _time.SetClock(TimeSpan.FromSeconds(back ? -Random.Next(1, 10_000) : Random.Next(1, 10_000)));
    }

    /// <summary>An operator ends a session.</summary>
    private void KickOne()
    {
        if (Consumers[Random.Next(Consumers.Count)] is not Consumer { IsConnected: true, SessionId: { } id } consumer)
            return;
        Faults.Note(Fault.Kick);
        Trace.Note($"{consumer.Name} is kicked");
        consumer.NoteKicked();
        _ = OperateAsync(operations => operations.KickAsync(id));
    }

    /// <summary>An operator sends a dead letter on its way again.</summary>
    private void RedriveOne()
    {
        var letters = Consumers.Select(c => c.ClientType).Distinct().SelectMany(ReadLetters).Where(Deliveries.CanBeRedriven).ToArray();
        if (letters.Length == 0)
            return;
        var letter = letters[Random.Next(letters.Length)];
        Faults.Note(Fault.Redrive);
        Trace.Note($"{letter.ClientType} gets {letter.Position} again");
        Deliveries.NoteRedrive(letter);
        _ = OperateAsync(operations => operations.RedriveAsync(letter.ClientType, letter.Position, default));
    }

    private async Task OperateAsync(Func<Operator, Task> operate)
    {
        try
        {
            await operate(new Operator(_bus));
        }
        catch (OperationCanceledException)
        {
            // The bus ended meanwhile.
        }
        catch (StoreException)
        {
            // In effect, but the store fails for so long that it is not durable yet.
        }
        catch (Exception e)
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
        }
    }

    private void Crash()
    {
        Faults.Note(Fault.Crash);
        Trace.Note("crash");
        _store.Die();
        DropSessions();
        _context.Clear();
        _time.Clear();
        Deliveries.Judge();
        if (Plan.ForgetsUnsynced && Random.Next(2) == 0)
            FailPower();
        Deliveries.NoteEnd();
        Deliveries.NoteCrash();
        Start();
    }

    private void FailPower()
    {
        var head = Log().Count;
        Disk.Forget(Random.Next(30));
        Trace.Note($"power fails: {Log().Count} of {head} events are left");
        if (Log().Count < head)
            Faults.Note(Fault.CommitsForgotten);
        Checker.NotePowerFailure();
        Deliveries.NotePowerFailure();
    }

    private void Restart()
    {
        Faults.Note(Fault.CleanRestart);
        Trace.Note("stop");

        // Whether the last acks were heard is decided by now.
        _context.Run();
        NoteHeard();
        var percent = Faults.StorePercent;
        Faults.StorePercent = 0;
        Finish(_bus.StopAsync(default));
        Faults.StorePercent = percent;
        DropSessions();
        _context.Run();
        Deliveries.NoteEnd();
        Start();
    }
}
