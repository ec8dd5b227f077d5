using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Publishing;

/// <summary>
/// The only writer of the log. It takes what waits, judges it against the <see cref="SequenceTable"/>, makes it durable in one commit,
/// and only then lets anybody see it: first the table and the log, then the receipts of every status, then the readers. While a
/// commit runs the next batch gathers in the channel, so batches grow with the load and never wait for a timer.
/// </summary>
internal sealed partial class Sequencer(IEventStore store, EventLog log, TimeProvider time, ILogger<Sequencer> logger)
{
    /// <summary>Requests that may wait; sessions that publish faster are not read on…</summary>
    private const int MaxWaiting = 4_096;

    /// <summary>…and how much they may keep in memory together until they are answered, in bytes.</summary>
    private const long MaxWaitingBytes = 64 * 1024 * 1024;

    /// <summary>Events of one commit. More would make the first of them wait for the last.</summary>
    private const int MaxBatchEvents = 4_096;

    /// <summary>How long an unknown outcome is looked into before the sessions concerned are ended.</summary>
    private static readonly TimeSpan UnknownLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a v1 request is kept and tried again while the store fails; its protocol has no answer for that.</summary>
    private static readonly TimeSpan KeepLimit = TimeSpan.FromSeconds(30);

    /// <summary>How often a failing store is tried while nobody publishes.</summary>
    private static readonly TimeSpan ProbeDelay = TimeSpan.FromSeconds(1);

    /// <summary>Data of one commit, in bytes, beyond which no further request is taken into it.</summary>
    private const long MaxBatchBytes = 16 * 1024 * 1024;

    private readonly Channel<PublishRequest> _requests = Channel.CreateBounded<PublishRequest>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly SequenceTable _table = new();

    // The requests of the batch that is open, until they are answered; empty from then on, so that nobody is answered twice.
    private readonly List<PublishRequest> _taken = [];

    // v1 requests that met a failing store, in their order, to be tried again before anything newer.
    private readonly List<PublishRequest> _kept = [];

    // Of the batch that is open, perhaps some more than once.
    private readonly List<Guid> _ids = [];
    private readonly Credits _room = new(MaxWaitingBytes);
    private Signal _works = new();
    private volatile bool _isInTrouble;

    // Only this loop changes the table, so its own look-ups need no lock; those of sessions must not meet an Apply.
    private readonly Lock _tableLock = new();

    /// <summary>Takes over what the store knows. Called once, before <see cref="RunAsync"/>.</summary>
    public async Task StartAsync(LogEnd end, CancellationToken cancellationToken)
    {
        await foreach (var (key, keyEnd) in store.ReadKeysAsync(cancellationToken))
            _table.Restore(key, keyEnd);
        _table.Restore(end);
        log.Start(end.Position);
        LogOpened(log.LogId, end.Position, _table.Count);
    }

    /// <summary>The store failed at the last attempt.</summary>
    public bool IsInTrouble => _isInTrouble;

    /// <summary>Completes when the store works. v1 sessions are not read on before.</summary>
    public Task WaitForStoreAsync(CancellationToken cancellationToken) =>
        _isInTrouble ? Volatile.Read(ref _works).WaitAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Hands a request over. Completes when there is room, not when it is decided.</summary>
    public async ValueTask SubmitAsync(PublishRequest request, CancellationToken cancellationToken)
    {
        await _room.TakeAsync(cancellationToken, Room(request));
        try
        {
            await _requests.Writer.WriteAsync(request, cancellationToken);
        }
        catch
        {
            _room.Grant(Room(request));
            throw;
        }
    }

    // However large a request is, it fits if it is alone.
    private static long Room(PublishRequest request) => Math.Min(request.Bytes, MaxWaitingBytes);

    /// <summary>Where keys end, as one snapshot; keys without events are null.</summary>
    public IReadOnlyDictionary<string, KeyEnd?> ReadKeys(IReadOnlyCollection<string> keys)
    {
        var ends = new Dictionary<string, KeyEnd?>(StringComparer.Ordinal);
        lock (_tableLock)
        {
            foreach (var key in keys)
                ends[key] = _table.Find(key);
        }

        return ends;
    }

    /// <summary>No further requests are taken; what waits is still decided.</summary>
    public void Complete() => _requests.Writer.TryComplete();

    /// <summary>Runs until <see cref="Complete"/> and everything that waited is decided, or until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await WaitForWorkAsync(cancellationToken))
        {
            TakeWaiting();
            try
            {
                await ProcessAsync(cancellationToken);
            }
            finally
            {
                _taken.Clear();
                _ids.Clear();
                _table.Close();
            }
        }
    }

    /// <summary>Completes when there is something to do; false: there will be nothing any more.</summary>
    private async Task<bool> WaitForWorkAsync(CancellationToken cancellationToken)
    {
        if (_kept.Count > 0)
        {
            await Task.Delay(RetryDelay, time, cancellationToken);
            return true;
        }

        var waiting = WaitForRequestAsync(cancellationToken);
        while (_isInTrouble && !waiting.IsCompleted)
        {
            // Nobody publishes, perhaps because everybody waits for the store: somebody has to find out.
            await Task.WhenAny(waiting, Task.Delay(ProbeDelay, time, cancellationToken));
            if (!waiting.IsCompleted && await IsStoreWorkingAsync(cancellationToken))
                EndTrouble();
        }

        return await waiting;
    }

    private async Task<bool> WaitForRequestAsync(CancellationToken cancellationToken) => await _requests.Reader.WaitToReadAsync(cancellationToken);

    private async Task<bool> IsStoreWorkingAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await store.FindObstacleAsync(cancellationToken) is null;
        }
        catch (StoreException)
        {
            return false;
        }
    }

    private void EndTrouble()
    {
        if (!_isInTrouble)
            return;
        _isInTrouble = false;
        _works.Set();
    }

    private void TakeWaiting()
    {
        _taken.AddRange(_kept);
        _kept.Clear();
        var (events, bytes) = (0, 0L);
        while (events < MaxBatchEvents && bytes < MaxBatchBytes && _requests.Reader.TryRead(out var request))
        {
            _taken.Add(request);
            events += Math.Max(1, request.Message.Events.Count);
            bytes += request.Bytes;
        }
    }

    private async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var batch = _table.Open(time.NowMicros());
        List<IReadOnlyList<Protocol.ReceiptEntry>> entries;
        AppendOutcome outcome;
        try
        {
            var stored = await FindStoredIdsAsync(cancellationToken);
            entries = _taken.ConvertAll(request => batch.Decide(request, stored));
            outcome = batch.Events.Count == 0 ? AppendOutcome.Committed : await AppendAsync(batch, cancellationToken);
        }
        catch (StoreException e)
        {
            LogStoreFailed(e);
            Fail();
            return;
        }

        if (outcome == AppendOutcome.Unknown)
            outcome = await ResolveUnknownAsync(batch, cancellationToken);
        if (outcome == AppendOutcome.Committed)
            Commit(batch, entries);
        else
            Fail();

        // A batch that stores nothing says nothing about the store.
        if (_isInTrouble && outcome == AppendOutcome.Committed && await IsStoreWorkingAsync(cancellationToken))
            EndTrouble();
    }

    private async ValueTask<AppendOutcome> AppendAsync(OpenBatch batch, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var outcome = await store.AppendAsync(batch.Events, cancellationToken);
        BusMeter.CommitDuration.Record(time.GetElapsedTime(started).TotalSeconds);
        BusMeter.CommitEvents.Record(batch.Events.Count);
        return outcome;
    }

    /// <summary>Nothing was stored. v2 sessions are told so; v1 sessions know no such answer, so theirs is kept and tried again for a while.</summary>
    private void Fail()
    {
        BeginTrouble();

        // They were taken before anything that is kept already.
        var kept = _taken.FindAll(MayKeep);
        _kept.InsertRange(0, kept);
        _taken.RemoveAll(kept.Contains);
        AnswerAll(PublishResultKind.StoreUnavailable);
    }

    /// <summary>v1 sessions know no answer for it, so their requests are tried again for a while.</summary>
    private bool MayKeep(PublishRequest request)
    {
        if (request.Version != Protocol.ProtocolVersion.V1)
            return false;
        request.KeptSince ??= time.GetTimestamp();
        return time.GetElapsedTime(request.KeptSince.Value) < KeepLimit;
    }

    private void BeginTrouble()
    {
        if (_isInTrouble)
            return;
        _works = new Signal();
        _isInTrouble = true;
    }

    private void Commit(OpenBatch batch, List<IReadOnlyList<Protocol.ReceiptEntry>> entries)
    {
        lock (_tableLock)
            _table.Apply(batch);
        if (batch.Events.Count > 0)
            log.Publish(batch.Events);
        BusMeter.CountReceipts(entries);
        for (var i = 0; i < _taken.Count; i++)
            Answer(_taken[i], new PublishResult(PublishResultKind.Decided, entries[i], batch.TimeMicros));
        _taken.Clear();
        if (batch.Events.Count == 0)
            return;
        log.Release();
        EndTrouble();
    }

    private async ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindStoredIdsAsync(CancellationToken cancellationToken)
    {
        foreach (var request in _taken)
        {
            foreach (var e in request.Message.Events)
            {
                if (e.EventId is { } id)
                    _ids.Add(id);
            }
        }

        return _ids.Count == 0 ? NoIds : await store.FindAsync(_ids, cancellationToken);
    }

    /// <summary>
    /// The commit failed in a way that leaves open whether it happened. Nothing is answered until the store has been opened anew and
    /// shows it. After 30 s the sessions concerned are ended without an answer, and the batch is only looked up, never appended.
    /// </summary>
    private async Task<AppendOutcome> ResolveUnknownAsync(OpenBatch batch, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        var answered = false;
        while (true)
        {
            try
            {
                var head = await store.RecoverAsync(cancellationToken);
                LogOutcomeKnown(head);
                return head >= batch.Events[^1].Position ? AppendOutcome.Committed : AppendOutcome.NotCommitted;
            }
            catch (StoreException e)
            {
                LogStoreFailed(e);
            }

            // What came after it was surely not stored.
            BeginTrouble();
            RefuseWaiting();
            if (!answered && time.GetElapsedTime(since) > UnknownLimit)
            {
                AnswerAll(PublishResultKind.OutcomeUnknown);
                answered = true;
            }

            await Task.Delay(RetryDelay, time, cancellationToken);
        }
    }

    private void AnswerAll(PublishResultKind kind)
    {
        foreach (var request in _taken)
            Answer(request, new PublishResult(kind, [], 0));
        _taken.Clear();
    }

    private void Answer(PublishRequest request, PublishResult result)
    {
        _room.Grant(Room(request));
        request.Answer(request, result);
    }

    /// <summary>While nobody knows how the open batch ended, nothing else is begun.</summary>
    private void RefuseWaiting()
    {
        var unkept = _kept.Where(request => time.GetElapsedTime(request.KeptSince!.Value) >= KeepLimit).ToArray();
        _kept.RemoveAll(unkept.Contains);
        foreach (var request in unkept)
            Answer(request, new PublishResult(PublishResultKind.StoreUnavailable, [], 0));
        while (_requests.Reader.TryRead(out var request))
        {
            if (MayKeep(request))
                _kept.Add(request);
            else
                Answer(request, new PublishResult(PublishResultKind.StoreUnavailable, [], 0));
        }
    }

    private static readonly IReadOnlyDictionary<Guid, StoredPlace> NoIds = new Dictionary<Guid, StoredPlace>();
}
