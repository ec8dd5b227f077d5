using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>What the store does meanwhile: saving what changed, reading what the queue misses.</summary>
internal sealed partial class ClientTypeLoop
{
    /// <summary>Keys whose missing events are read at once.</summary>
    private const int MaxReads = 64;

    /// <summary>A crash may bring back the acks of this interval…</summary>
    private static readonly TimeSpan SaveInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>…or so many of them.</summary>
    private const long SaveAfterAcks = 10_000;

    /// <summary>A cursor that only passed events nobody is owed is saved less often: a crash brings nothing back.</summary>
    private static readonly TimeSpan LazySaveInterval = TimeSpan.FromSeconds(1);

    private Task<Action> _saving = Task.FromResult<Action>(static () => { });
    private Task<Action> _reading = Task.FromResult<Action>(static () => { });
    private long _lastSave;
    private long _settledAtSave;
    private long? _failedAt;

    // A store that failed is not asked again at once.
    private bool IsStoreResting => _failedAt is { } at && _time.GetElapsedTime(at) < SaveInterval;

    /// <summary>Takes over what the store did since the last look, and gives it more to do. Only the loop touches the queue.</summary>
    private void StartBackgroundWork()
    {
        if (_saving.IsCompleted)
        {
            TakeResult(ref _saving);
            var interval = _queue.HasUrgentChanges ? SaveInterval : LazySaveInterval;
            var isDue = (_queue.UnsavedKeys >= MaxUnsavedKeys || _queue.HasDeadLetters || _afterSave.Count > 0) && !IsStoreResting;
            if (!_queue.HasChanges)
                RunAll(_afterSave);
            else if (isDue || _queue.Settled - _settledAtSave >= SaveAfterAcks || _time.GetElapsedTime(_lastSave) >= interval)
            {
                (_lastSave, _settledAtSave) = (_time.GetTimestamp(), _queue.Settled);
                _saving = ThenWakeAsync(SaveAsync(_queue.TakeChanges()));
            }
        }

        if (_reading.IsCompleted)
        {
            TakeResult(ref _reading);
            if (!IsStoreResting && _queue.TakeReads(MaxReads) is { Count: > 0 } reads)
                _reading = ThenWakeAsync(ReadAsync(reads));
        }
    }

    private static void TakeResult(ref Task<Action> work)
    {
        work.Result();
        work = Task.FromResult<Action>(static () => { });
    }

    private async Task<Action> ThenWakeAsync(Task<Action> work)
    {
        var result = await work;
        Wake();
        return result;
    }

    /// <returns>What the loop has to do with the result.</returns>
    private async Task<Action> SaveAsync(ClientTypeChanges changes)
    {
        Action[] waiting = [.. _afterSave];
        _afterSave.Clear();

        // The loop must go on while the store works.
        await Task.Yield();
        try
        {
            await _saver.SaveAsync(changes);
            return () =>
            {
                foreach (var action in waiting)
                    action();
                foreach (var letter in changes.DeadLetters)
                {
                    LogDeadLetter(Name, letter.Position, letter.Attempts);
                    BusMeter.DeadLetters.Add(1);
                }

                _queue.Saved(changes);
            };
        }
        catch (StoreException e)
        {
            LogSaveFailed(e, Name);
            return () =>
            {
                _queue.NotSaved(changes);
                _afterSave.AddRange(waiting);
                _failedAt = _time.GetTimestamp();
            };
        }
    }

    /// <returns>What the loop has to do with the result.</returns>
    private async Task<Action> ReadAsync(IReadOnlyList<DebtRead> reads)
    {
        await Task.Yield();
        var results = new List<Action>(reads.Count);
        foreach (var read in reads)
        {
            try
            {
                var (events, isAll) = await _reader.ReadAsync(read, CancellationToken.None);
                results.Add(() => _queue.Loaded(read, events, isAll));
            }
            catch (StoreException e)
            {
                LogReadFailed(e, Name);
                results.Add(() =>
                {
                    _queue.NotLoaded(read);
                    _failedAt = _time.GetTimestamp();
                });
            }
        }

        return () => RunAll(results);
    }
}
