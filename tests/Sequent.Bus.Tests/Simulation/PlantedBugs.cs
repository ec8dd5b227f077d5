using System.Text.Json.Nodes;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>Bugs that a bus could have; the checks have to find each of them.</summary>
internal static class PlantedBugs
{
    /// <summary>Two events of one key change places in a frame.</summary>
    public static string Swap(string text)
    {
        var message = JsonNode.Parse(text)!.AsObject();
        if ((string?)message["message_type"] != "events")
            return text;
        var events = message["events"]!.AsArray();
        for (var i = 0; i + 1 < events.Count; i++)
        {
            if ((string?)events[i]!["consistency"]!["key"] != (string?)events[i + 1]!["consistency"]!["key"])
                continue;
            var first = events[i]!.DeepClone();
            events.RemoveAt(i);
            events.Insert(i + 1, first);
            break;
        }

        return message.ToJsonString();
    }

    /// <summary>Answers before the commit.</summary>
    public sealed class EarlyReceipts(SimulatedDisk disk, SimulatedTime time, Faults faults, Random random) : SimulatedStore(disk, time, faults, random)
    {
        public override ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
        {
            StoredEvent[] kept = [.. events]; // the sequencer goes on and uses its list again
            _ = WriteAsync(store => store.AppendAsync(kept, default).AsTask().Wait(CancellationToken.None), []);
            return new(AppendOutcome.Committed);
        }
    }

    /// <summary>Forgets one debt of a save.</summary>
    public sealed class LostDebts(SimulatedDisk disk, SimulatedTime time, Faults faults, Random random) : SimulatedStore(disk, time, faults, random)
    {
        public override ValueTask SaveAsync(IReadOnlyList<ClientTypeChanges> changes, CancellationToken cancellationToken) =>
            base.SaveAsync([.. changes.Select(c => c with { Debts = [.. c.Debts.Skip(1)] })], cancellationToken);
    }

    /// <summary>Does not know the ids that are stored.</summary>
    public sealed class ForgottenIds(SimulatedDisk disk, SimulatedTime time, Faults faults, Random random) : SimulatedStore(disk, time, faults, random)
    {
        public override ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken) =>
            new(new Dictionary<Guid, StoredPlace>());
    }
}
