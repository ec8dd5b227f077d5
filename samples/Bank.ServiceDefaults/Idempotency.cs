using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Bank.ServiceDefaults;

/// <summary>
/// Makes a change repeatable: the ids of what it stores follow from who asks, for what, and the key the caller chose. Whoever got no answer asks again
/// with the same key, and the bus stores it once. Without a key every request is a new one.
/// </summary>
/// <remarks>
/// A refusal stores nothing, so a repetition is decided anew and may be accepted. It is therefore final only once no other attempt with
/// the key is on its way: one that got no answer may still arrive, and find enough money. Whoever wants to be sure asks again after it,
/// or looks.
/// </remarks>
/// <param name="Key">1 to 255 printable ASCII characters.</param>
/// <param name="Http">The request.</param>
public readonly record struct Idempotency([property: FromHeader(Name = Idempotency.Header)] string? Key, HttpContext Http)
{
    public const string Header = "Idempotency-Key";

    private const int MaxLength = 255;
    private const int IdBits = 53; // what every JSON parser keeps exactly

    /// <summary>The id of the event, or of the first one of the decision.</summary>
    /// <param name="attempt">Counts up when what the former one gave is taken.</param>
    public Guid EventId(int attempt = 0)
    {
        if (Key is null)
            return Guid.CreateVersion7(Http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow());
        var bytes = Hash(attempt).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80); // version 8: made in a way of our own
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>A number from 1 to 2^53 - 1.</summary>
    /// <param name="attempt">As above.</param>
    public long Number(int attempt = 0) =>
        Key is null ? Random.Shared.NextInt64(1, 1L << IdBits) : Math.Max(1, (long)(BinaryPrimitives.ReadUInt64BigEndian(Hash(attempt).AsSpan(16)) >> (64 - IdBits)));

    private static async ValueTask<object?> CheckAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var given = context.HttpContext.Request.Headers[Header];
        var isKey = given is [{ Length: > 0 and <= MaxLength } key] && key.All(c => c is > ' ' and <= '~');
        return given.Count == 0 || isKey ? await next(context) : Problems.Field(Header, $"One key of 1 to {MaxLength} printable ASCII characters.");
    }

    private byte[] Hash(int attempt)
    {
        var route = (Http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;

        // Not the path as it is written: /accounts/7 and /Accounts/07/ are the same account.
        var values = Http.Request.RouteValues.OrderBy(v => v.Key, StringComparer.Ordinal)
            .Select(v => long.TryParse((string?)v.Value, CultureInfo.InvariantCulture, out var number) ? number : v.Value);
        var scope = string.Join('\n', [Http.User.Identity?.Name, Http.Request.Method, route, .. values]);
        return SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{scope}\n{Key}\n{attempt}")));
    }

    /// <summary>The route takes keys.</summary>
    internal sealed class Metadata;

    /// <summary>Lets a route take keys: 400 for one that cannot be one.</summary>
    internal static void AddTo<TBuilder>(TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.AddEndpointFilter(CheckAsync).WithMetadata(new Metadata(), Problems.FieldMetadata);
}

public static class IdempotencyRoutes
{
    /// <summary>Lets a route, or all routes of a group, take an Idempotency-Key: 400 for one that cannot be one.</summary>
    public static TBuilder TakesIdempotencyKey<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder
    {
        Idempotency.AddTo(route);
        return route;
    }
}
