using System.Threading.Channels;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>Saves the changes of all client types, those that wait at the same time in one transaction: many client types cost one fsync, not one each.</summary>
internal sealed class DeliverySaver(IDeliveryStore store) : IAsyncDisposable
{
    private readonly Channel<Request> _requests = Channel.CreateUnbounded<Request>(new UnboundedChannelOptions { SingleReader = true });
    private Task _running = Task.CompletedTask;

    public void Start() => _running = RunAsync();

    /// <summary>Completes when the changes are durable. Every client type has at most one request under way.</summary>
    /// <exception cref="StoreException">Nothing was saved.</exception>
    public Task SaveAsync(ClientTypeChanges changes)
    {
        var request = new Request(changes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        return _requests.Writer.TryWrite(request) ? request.Done.Task : throw new StoreException("The bus has stopped.");
    }

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        await _running;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        var waiting = new List<Request>();
        while (await _requests.Reader.WaitToReadAsync())
        {
            while (_requests.Reader.TryRead(out var request))
                waiting.Add(request);
            try
            {
                await store.SaveAsync(waiting.ConvertAll(r => r.Changes), CancellationToken.None);
                waiting.ForEach(r => r.Done.SetResult());
            }
            catch (Exception e)
            {
                // Whatever it was, whoever asked has to know; they try again.
                waiting.ForEach(r => r.Done.SetException(e as StoreException ?? new StoreException("Saving failed.", e)));
            }

            waiting.Clear();
        }
    }

    private readonly record struct Request(ClientTypeChanges Changes, TaskCompletionSource Done);
}
