using System.Buffers;
using System.Text.Json;
using Sequent.Bus.Delivering;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Operating;

/// <summary>What an operator may ask the bus and have it do. Everything that changes something is durable when it returns.</summary>
internal sealed class Operator(SequentBus bus)
{
    /// <summary>Events of a session that are listed at most.</summary>
    private const int MaxHeld = 1_000;

    /// <summary>How long a change may take to be durable before the operator is told that it is not yet.</summary>
    private static readonly TimeSpan SaveLimit = TimeSpan.FromSeconds(10);

    /// <summary>Dead letters in one answer at most.</summary>
    public const int MaxLetters = 1_000;

    public async Task<IReadOnlyList<ClientTypeView>> ListClientTypesAsync(CancellationToken cancellationToken)
    {
        var views = new List<ClientTypeView>();
        foreach (var loop in bus.Deliveries.List())
            views.Add(await DescribeAsync(loop, cancellationToken));
        return views;
    }

    public async Task<ClientTypeView?> FindClientTypeAsync(string name, CancellationToken cancellationToken) =>
        bus.Deliveries.Find(name) is { } loop ? await DescribeAsync(loop, cancellationToken) : null;

    /// <summary>Has a client type start over after a position.</summary>
    /// <returns>False if there is no such client type.</returns>
    public async Task<bool> ResetAsync(string name, long position, CancellationToken cancellationToken)
    {
        if (bus.Deliveries.Find(name) is not { } loop)
            return false;
        await loop.PostAsync(queue => queue.Reset(position), cancellationToken);
        await SavedAsync(loop, cancellationToken);
        return true;
    }

    /// <returns>Null if there is no such client type; false if it has live instances.</returns>
    public async Task<bool?> ForgetAsync(string name, CancellationToken cancellationToken) =>
        bus.Deliveries.Find(name) is { } loop ? await bus.Deliveries.ForgetAsync(loop, cancellationToken) : null;

    /// <summary>What a key owes and why it waits; null if there is no such client type.</summary>
    public async Task<KeyStatus?> DescribeKeyAsync(string name, string key, CancellationToken cancellationToken)
    {
        if (bus.Deliveries.Find(name) is not { } loop)
            return null;
        return await loop.AskAsync(queue => queue.DescribeKey(key), cancellationToken) ?? new KeyStatus(key, null, [], null, null, 0, 0, "nothing is owed");
    }

    public async Task<IReadOnlyList<SessionView>> ListSessionsAsync(CancellationToken cancellationToken)
    {
        var instances = new Dictionary<string, InstanceStatus>(StringComparer.Ordinal);
        foreach (var loop in bus.Deliveries.List())
        {
            if (await TryDescribeAsync(loop, cancellationToken) is not { } status)
                continue;
            foreach (var instance in status.Instances)
                instances[instance.SessionId] = instance;
        }

        return [.. bus.Sessions.Sessions.Select(s =>
            new SessionView(s.Id, s.Sender, s.Version == ProtocolVersion.V2 ? "v2" : "v1", s.ClientType, instances.GetValueOrDefault(s.Id)))];
    }

    /// <summary>What a session holds, at most 1,000 events; null if there is no such session.</summary>
    public async Task<IReadOnlyList<HeldEvent>?> ListHeldAsync(string id, CancellationToken cancellationToken)
    {
        if (bus.Sessions.Sessions.FirstOrDefault(s => s.Id == id) is not { } session)
            return null;
        return session.ClientType is { } name && bus.Deliveries.Find(name) is { } loop
            ? await loop.AskAsync(queue => queue.DescribeHeld(id, MaxHeld), cancellationToken)
            : [];
    }

    public Task<bool> KickAsync(string id) => bus.Sessions.KickAsync(id);

    /// <summary>Dead letters after a position, without their events; null if there is no such client type.</summary>
    public async Task<IReadOnlyList<DeadLetterView>?> ListDeadLettersAsync(string name, long after, int max, CancellationToken cancellationToken)
    {
        if (bus.Deliveries.Find(name) is null)
            return null;
        var letters = await bus.DeliveryStore.ReadDeadLettersAsync(name, after, Math.Min(max, MaxLetters), cancellationToken);
        return [.. letters.Select(letter => View(letter, null))];
    }

    /// <summary>A dead letter with its event, or null.</summary>
    public async Task<DeadLetterView?> FindDeadLetterAsync(string name, long position, CancellationToken cancellationToken)
    {
        if (await FindLetterAsync(name, position, cancellationToken) is not { } letter)
            return null;
        var e = (await bus.Store.ReadAtAsync([position], int.MaxValue, cancellationToken))[0];
        var text = new ArrayBufferWriter<byte>();
        EventWriter.CloseBody(text, e.V2Body(bus.Time.LocalTimeZone));
        using var document = JsonDocument.Parse(text.WrittenMemory, new JsonDocumentOptions { MaxDepth = WireNames.MaxDepth + 8 });
        return View(letter, document.RootElement.Clone());
    }

    /// <summary>Sends a dead letter on its way again.</summary>
    /// <returns>False if there is none at this position.</returns>
    public async Task<bool> RedriveAsync(string name, long position, CancellationToken cancellationToken)
    {
        if (await FindLetterAsync(name, position, cancellationToken) is null || bus.Deliveries.Find(name) is not { } loop)
            return false;
        var header = (await bus.Store.ReadHeadersAtAsync([position], cancellationToken))[0];
        await loop.PostAsync(queue => queue.Redrive(header), cancellationToken);
        await SavedAsync(loop, cancellationToken);
        return true;
    }

    /// <summary>Drops a dead letter for good.</summary>
    /// <returns>False if there is none at this position.</returns>
    public async Task<bool> DropAsync(string name, long position, CancellationToken cancellationToken)
    {
        if (await FindLetterAsync(name, position, cancellationToken) is null || bus.Deliveries.Find(name) is not { } loop)
            return false;
        await loop.PostAsync(queue => queue.DropDeadLetter(position), cancellationToken);
        await SavedAsync(loop, cancellationToken);
        return true;
    }

    private async Task<ClientTypeView> DescribeAsync(ClientTypeLoop loop, CancellationToken cancellationToken) =>
        new(loop.Name, await TryDescribeAsync(loop, cancellationToken), bus.Log.Head, await bus.DeliveryStore.CountDeadLettersAsync(loop.Name, cancellationToken)) { IsDefect = loop.IsDefect };

    /// <summary>Null if a defect has stopped the client type: that must not hide the others.</summary>
    private static async Task<ClientTypeStatus?> TryDescribeAsync(ClientTypeLoop loop, CancellationToken cancellationToken)
    {
        try
        {
            return await loop.AskAsync(queue => queue.Describe(), cancellationToken);
        }
        catch (OperationCanceledException) when (loop.IsDefect)
        {
            return null;
        }
    }

    /// <exception cref="StoreException">It is in effect, but not durable yet.</exception>
    private async Task SavedAsync(ClientTypeLoop loop, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(SaveLimit, bus.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await loop.SavedAsync(either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new StoreException($"It is in effect, but the store could not make it durable within {SaveLimit.TotalSeconds:0} s. It is tried on; ask again.");
        }
    }

    private async Task<DeadLetter?> FindLetterAsync(string name, long position, CancellationToken cancellationToken) =>
        (await bus.DeliveryStore.ReadDeadLettersAsync(name, position - 1, 1, cancellationToken)).FirstOrDefault(letter => letter.Position == position);

    private static DeadLetterView View(DeadLetter letter, JsonElement? e) =>
        new(letter.Position, letter.Reason, letter.Attempts, DateTimeOffset.UnixEpoch.AddMicroseconds(letter.TimeMicros), e);
}
