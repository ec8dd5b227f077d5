using Sequent.Client.Connecting;
using Sequent.Client.Events;
using Sequent.Client.Publishing;
using Sequent.Client.Reading;
using Sequent.Client.Telemetry;
using Sequent.Protocol;

namespace Sequent.Client.Units;

/// <summary>
/// Runs units of callers and handlers: run the function, commit what it appended as one atomic batch that holds only if everything it read still
/// stands, else run it again with fresh reads. So every decision, also a refusal, is as if nobody else had been there.
/// </summary>
internal sealed class UnitRunner(
    Publisher publisher, LogReader reader, FoldReader folds, EventMapper mapper, ClientTelemetry telemetry, TimeSpan timeout, TimeProvider time, Func<TimeSpan> busAvailableFor)
{
    /// <summary>How many events of a decision are asked for at once.</summary>
    private const int DecisionPage = 256;

    // A conflict means that somebody else got through, so it is worth trying again at once; the more often, the more crowded the key.
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(100));
    private readonly KeyQueues _queues = new();

    /// <summary>Runs a unit until it is committed, or its function throws.</summary>
    /// <exception cref="UnitTimeoutException">It met conflicts for too long.</exception>
    /// <exception cref="PublishRejectedException">An event is not acceptable.</exception>
    public Task<UpdateResult> RunAsync(UnitWork work, CancellationToken cancellationToken) =>
        Instruments.IsSilent ? RunUntilDecidedAsync(work, cancellationToken) : ObserveAsync(work, cancellationToken);

    private async Task<UpdateResult> ObserveAsync(UnitWork work, CancellationToken cancellationToken)
    {
        using var unit = telemetry.Unit();
        try
        {
            var result = await RunUntilDecidedAsync(work, cancellationToken).ConfigureAwait(false);
            ClientTelemetry.Decided(unit, result);
            return result;
        }
        catch (Exception e) when (unit.Fail(e))
        {
            throw;
        }
    }

    private async Task<UpdateResult> RunUntilDecidedAsync(UnitWork work, CancellationToken cancellationToken)
    {
        // Bounds the wait for the first turn; then it starts anew at the first conflict.
        using var deadline = new Deadline(timeout, time, busAvailableFor);
        IReadOnlyList<string> keys = [];
        IReadOnlyDictionary<string, uint?>? before = null;
        for (var attempts = 0; ;)
        {
            if (work.Lookup == DecisionLookup.Always || (work.Lookup == DecisionLookup.Once && attempts == 0))
            {
                if (await FindDecisionAsync(work, attempts, cancellationToken).ConfigureAwait(false) is { } earlier)
                    return earlier.Result;
            }

            using (var held = new HeldKeys(_queues, mayWait: !Unit.IsCallerInside))
            {
                if (!await TryTakeAllAsync(held, keys, deadline.Token, cancellationToken).ConfigureAwait(false))
                    throw new UnitTimeoutException(attempts, deadline.Elapsed, keys);
                attempts++;
                using var unit = new Unit(folds, mapper, work, held, deadline.Token, cancellationToken);
                try
                {
                    if (await RunOnceAsync(unit, attempts, cancellationToken).ConfigureAwait(false) is { } result)
                        return result;
                }
                catch (OperationCanceledException) when (unit.WaitedInVainFor is not null)
                {
                    throw new UnitTimeoutException(attempts, deadline.Elapsed, [unit.WaitedInVainFor]);
                }

                keys = unit.ReadKeys;
                before = unit.ThrowIfNothingMoves(before);
            }

            if (attempts == 1)
                deadline.Restart();
            else if (deadline.Token.IsCancellationRequested)
                throw new UnitTimeoutException(attempts, deadline.Elapsed, keys);
            await Task.Delay(_backoff.Delay(attempts - 1), time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One run; null if it has to run again.</summary>
    private async Task<UpdateResult?> RunOnceAsync(Unit unit, int attempts, CancellationToken cancellationToken)
    {
        var work = unit.Work;
        try
        {
            await unit.DecideAsync(cancellationToken).ConfigureAwait(false);
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

    private async Task<bool> WasSnapshotAsync(Unit unit, CancellationToken cancellationToken)
    {
        if (!unit.HasReadSeveral)
            return true;
        var (logId, lastValues) = await Unit.CountWaitAsync(() => reader.ReadLastValuesAsync(unit.ReadKeys, cancellationToken)).ConfigureAwait(false);
        return unit.IsSnapshot(logId, lastValues);
    }

    private async Task<UpdateResult?> CommitAsync(UnitWork work, Unit unit, int attempts, CancellationToken cancellationToken)
    {
        var message = unit.ToMessage();
        PublishAnswer answer;
        try
        {
            answer = await Unit.CountWaitAsync(() => publisher.SendAsync(new PendingPublish(message, unit.LogId) { NeedsIds = work.NeedsIds }, work.PublishTimeout, cancellationToken).AsTask()).ConfigureAwait(false);
        }
        catch (LogChangedException e)
        {
            // A log that was restored, or came back after a power failure, has another id, and perhaps this batch.
            return e.WasSent && await FindDecisionAsync(work, attempts, cancellationToken).ConfigureAwait(false) is { } stored ? Told(stored, message, unit) : null;
        }

        if (IsConflict(answer))
        {
            telemetry.Conflict();
            return null;
        }

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
        // Whoever does not want to know is told of an earlier one.
        var isOwn = unit.Work.WantsEvents && stored.Events.Count == message.Events.Count
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
        var events = await Unit.CountWaitAsync(() => ReadEventsAsync([work.IdOf(0)], cancellationToken)).ConfigureAwait(false);
        if (events.Count == 0)
            return null;

        // It was stored in one piece, and the ids of its events are known: it ends where they do.
        while (work.WantsEvents && (events.Count == 1 || events.Count % DecisionPage == 1))
        {
            Guid[] ids = [.. Enumerable.Range(events.Count, DecisionPage).Select(work.IdOf)];
            var more = await Unit.CountWaitAsync(() => ReadEventsAsync(ids, cancellationToken)).ConfigureAwait(false);
            if (more.Count == 0)
                break;
            events.AddRange(more);
        }

        return new StoredDecision(events, attempts, mapper);
    }

    /// <summary>The stored events of some ids, in log order.</summary>
    private async Task<List<WireEvent>> ReadEventsAsync(IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        var events = new List<WireEvent>();
        await foreach (var page in reader.ReadAsync(new QueryMessage { EventIds = ids }, cancellationToken).ConfigureAwait(false))
            events.AddRange(page.Events);
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
