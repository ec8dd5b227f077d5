using Sequent.Bus.Publishing;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>Finds owed events that are not in memory, by walking back along the chain of their key.</summary>
internal sealed class DebtReader(IEventStore store, Sequencer sequencer)
{
    /// <returns>The oldest events of the key in the range, and whether it holds no more.</returns>
    public async Task<(IReadOnlyList<EventHeader> Events, bool IsAll)> ReadAsync(DebtRead read, CancellationToken cancellationToken)
    {
        var key = read.Lane.Key;
        if (sequencer.ReadKeys([key])[key] is not { } end)
            return ([], true);
        var chain = await store.ReadChainAsync(new ChainWalk(end.Position, read.After, read.Until, read.Max), cancellationToken);
        return (await store.ReadHeadersAtAsync(chain, cancellationToken), chain.Count < read.Max);
    }
}
