using Sequent.Client.Connecting;
using Sequent.Client.Events;
using Sequent.Client.Publishing;
using Sequent.Client.Reading;
using Sequent.Protocol;

namespace Sequent.Client.Units;

/// <summary>
/// Runs units of callers and handlers: run the function, commit what it appended as one atomic batch that holds only if everything it read still
/// stands, else run it again with fresh reads. So every decision, also a refusal, is as if nobody else had been there.
/// </summary>
internal sealed class UnitRunner(Publisher publisher, LogReader reader, FoldReader folds, EventMapper mapper, TimeSpan timeout, TimeProvider time)
{
    // A unit inside a unit or handler must not wait for a key that the outer one may hold.
    private static readonly AsyncLocal<UnitWork?> Outer = new();

    /// <summary>A batch is one message, and no bus takes more events in one.</summary>
    private const int MaxDecision = 1_000_000;

    // A conflict means that somebody else got through, so it is worth trying again at once; the more often, the more crowded the key.
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(100));
    private readonly KeyQueues _queues = new();

    /// <summary>Whether the caller is the function of a unit, or a handler.</summary>
    public static bool IsCallerInside => Outer.Value is not null;

    /// <summary>The correlation of the unit or handler the caller is in, or null.</summary>
    public static uint? CallersCorrelation => Outer.Value?.CorrelationId;

    /// <summary>Runs a unit until it is committed, or its function throws.</summary>
    /// <exception cref="UnitTimeoutException">It met conflicts for too long.</exception>
    /// <exception cref="PublishRejectedException">An event is not acceptable.</exception>
    public async Task<UpdateResult> RunAsync(UnitWork work, CancellationToken cancellationToken)
    {
        // Bounds the wait for the first turn; then it starts anew at the first conflict, because waiting for the bus is nobody's fault.
        using var deadline = new Deadline(timeout, time);
        IReadOnlyList<string> keys = [];
        for (var attempts = 0; ;)
        {
            if (work.Lookup == DecisionLookup.Always || (work.Lookup == DecisionLookup.Once && attempts == 0))
            {
                if (await FindDecisionAsync(work, attempts, cancellationToken).ConfigureAwait(false) is { } earlier)
                    return earlier.Result;
            }

            using (var held = new HeldKeys(_queues, mayWait: Outer.Value is null))
            {
                if (!await TryTakeAllAsync(held, keys, deadline.Token, cancellationToken).ConfigureAwait(false))
                    throw new UnitTimeoutException(attempts, deadline.Elapsed, keys);
                attempts++;
                using var unit = new Unit(folds, mapper, work, held, deadline.Token, cancellationToken);
                try
                {
                    if (await RunOnceAsync(work, unit, attempts, cancellationToken).ConfigureAwait(false) is { } result)
                        return result;
                }
                catch (OperationCanceledException) when (unit.WaitedInVainFor is not null)
                {
                    throw new UnitTimeoutException(attempts, deadline.Elapsed, [unit.WaitedInVainFor]);
                }

                keys = unit.ReadKeys;
            }

            if (attempts == 1)
                deadline.Restart();
            else if (deadline.Token.IsCancellationRequested)
                throw new UnitTimeoutException(attempts, deadline.Elapsed, keys);
            await Task.Delay(_backoff.Delay(attempts - 1), time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One run; null if it has to run again.</summary>
    private async Task<UpdateResult?> RunOnceAsync(UnitWork work, Unit unit, int attempts, CancellationToken cancellationToken)
    {
        try
        {
            await DecideAsync(work, unit, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (unit.SawAnotherLog)
        {
            return null;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            unit.End();
            if (work.Lookup == DecisionLookup.Always && await FindDecisionAsync(work, attempts, cancellationToken).ConfigureAwait(false) is { } earlier)
                return earlier.Result;

            // The reason to throw counts only if what was read was ever true together.
            if (!await WasSnapshotAsync(unit, cancellationToken).ConfigureAwait(false))
                return null;
            throw;
        }

        unit.End();
        if (!unit.HasAppends)
            return await WasSnapshotAsync(unit, cancellationToken).ConfigureAwait(false) ? new UpdateResult([], attempts, EarlierDecisionStood: false) : null;
        return await CommitAsync(work, unit, attempts, cancellationToken).ConfigureAwait(false);
    }

    private static async Task DecideAsync(UnitWork work, Unit unit, CancellationToken cancellationToken)
    {
        Outer.Value = work;
        await work.Decide(unit, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task<bool> WasSnapshotAsync(Unit unit, CancellationToken cancellationToken)
    {
        if (!unit.HasReadSeveral)
            return true;
        var (logId, lastValues) = await reader.ReadLastValuesAsync(unit.ReadKeys, cancellationToken).ConfigureAwait(false);
        return unit.IsSnapshot(logId, lastValues);
    }

    private async Task<UpdateResult?> CommitAsync(UnitWork work, Unit unit, int attempts, CancellationToken cancellationToken)
    {
        var message = unit.ToMessage();
        PublishAnswer answer;
        try
        {
            answer = await publisher.SendAsync(message, unit.LogId, work.PublishTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LogChangedException e)
        {
            // A log that was restored, or came back after a power failure, has another id, and perhaps this batch.
            return e.WasSent && await FindDecisionAsync(work, attempts, cancellationToken).ConfigureAwait(false) is { } stored ? Told(stored, message, unit) : null;
        }

        if (IsConflict(answer))
            return null;
        var receipts = Receipt.Of(message, answer);
        if (receipts.All(r => r.Status == ReceiptStatus.Success) && !answer.Entries.Any(e => e.Status == ReceiptStatus.Duplicate))
            return new UpdateResult(receipts, attempts, EarlierDecisionStood: false) { Data = unit.Data };

        // Duplicates: the decision is stored, by an earlier attempt to send it or by somebody else.
        if (!receipts[0].IsSuccess)
            throw Rejected(receipts);
        return await FindDecisionAsync(work, attempts, cancellationToken).ConfigureAwait(false) is { } found ? Told(found, message, unit) : null;
    }

    /// <summary>What is stored under the id of a decision: this very batch, whose receipt was lost, or what somebody decided earlier.</summary>
    private static UpdateResult Told(StoredDecision stored, NewMessage message, Unit unit)
    {
        var isOwn = stored.Events.Count == message.Events.Count
            && stored.Events.Zip(message.Events).All(p => p.First.Key == p.Second.Key && p.First.EventType == p.Second.EventType && p.First.Data.Span.SequenceEqual(p.Second.Data.Span));
        return !isOwn ? stored.Result : stored.Result with
        {
            Receipts = [.. stored.Result.Receipts.Select(r => r with { Status = ReceiptStatus.Success })],
            EarlierDecisionStood = false,
            Data = unit.Data,
            Stored = null,
        };
    }

    private static bool IsConflict(PublishAnswer answer)
    {
        var culprits = answer.Entries.Where(e => e.Status != ReceiptStatus.Success && e.Reason != RejectReasons.AtomicBatchFailed).ToArray();
        return culprits.Length > 0 && culprits.All(e => e.Status == ReceiptStatus.Inconsistent || e.Reason == RejectReasons.ExpectFailed);
    }

    private static PublishRejectedException Rejected(IReadOnlyList<Receipt> receipts)
    {
        var culprit = receipts.FirstOrDefault(r => r.Status == ReceiptStatus.Rejected && r.Reason != RejectReasons.AtomicBatchFailed) ?? receipts[0];
        return new PublishRejectedException(culprit.Reason ?? culprit.Status.ToString(), culprit.Key);
    }

    private async Task<StoredDecision?> FindDecisionAsync(UnitWork work, int attempts, CancellationToken cancellationToken)
    {
        await foreach (var page in reader.ReadAsync(new QueryMessage { EventIds = [work.IdOf(0)] }, cancellationToken).ConfigureAwait(false))
        {
            if (page.Events is [{ Position: { } first }, ..])
                return new StoredDecision(await ReadDecisionAsync(work, first, cancellationToken).ConfigureAwait(false), attempts, mapper);
        }

        return null;
    }

    /// <summary>A decision was stored in one piece, and the ids of its events are known: it ends where they do.</summary>
    private async Task<IReadOnlyList<WireEvent>> ReadDecisionAsync(UnitWork work, long first, CancellationToken cancellationToken)
    {
        var events = new List<WireEvent>();
        await foreach (var page in reader.ReadAsync(new QueryMessage { After = first - 1, Limit = MaxDecision }, cancellationToken).ConfigureAwait(false))
        {
            foreach (var e in page.Events)
            {
                if (e.EventId != work.IdOf(events.Count))
                    return events;
                events.Add(e);
            }
        }

        return events;
    }

    private static async Task<bool> TryTakeAllAsync(HeldKeys held, IReadOnlyList<string> keys, CancellationToken deadline, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline, cancellationToken);
        try
        {
            await held.TakeAllAsync(keys, either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
