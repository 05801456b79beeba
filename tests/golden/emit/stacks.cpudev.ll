
define internal void @stacks.0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0) nounwind uwtable alwaysinline {
b0:
  %v2 = add i32 %sr0, 0
  %v3 = sext i32 %v2 to i64
  %v4 = getelementptr inbounds i32, ptr %p0, i64 %v3
  %v5 = load i32, ptr %v4, align 4
  call void @nj_rt_syncwarp(ptr %ctx, i32 -1)
  call void @nj_rt_barrier(ptr %ctx)
  %v6 = call i32 @nj_rt_barrier_count(ptr %ctx, i32 %v5)
  %v7 = call i32 @nj_rt_barrier_or(ptr %ctx, i32 %v6)
  store i32 %v7, ptr %v4, align 4
  ret void
}

define i32 @naja.stacks.0(ptr noalias readonly %args, ptr noalias %ctx) nounwind uwtable {
entry:
  %t0 = getelementptr inbounds i8, ptr %ctx, i64 0
  %sr0 = load i32, ptr %t0, !range !0
  %t1 = getelementptr inbounds i8, ptr %ctx, i64 4
  %sr1 = load i32, ptr %t1, !range !0
  %t2 = getelementptr inbounds i8, ptr %ctx, i64 8
  %sr2 = load i32, ptr %t2, !range !0
  %t3 = getelementptr inbounds i8, ptr %ctx, i64 12
  %sr3 = load i32, ptr %t3, !range !0
  %t4 = getelementptr inbounds i8, ptr %ctx, i64 16
  %sr4 = load i32, ptr %t4, !range !0
  %t5 = getelementptr inbounds i8, ptr %ctx, i64 20
  %sr5 = load i32, ptr %t5, !range !0
  %t6 = getelementptr inbounds i8, ptr %ctx, i64 24
  %sr6 = load i32, ptr %t6, !range !0
  %t7 = getelementptr inbounds i8, ptr %ctx, i64 28
  %sr7 = load i32, ptr %t7, !range !0
  %t8 = getelementptr inbounds i8, ptr %ctx, i64 32
  %sr8 = load i32, ptr %t8, !range !0
  %t9 = getelementptr inbounds i8, ptr %ctx, i64 36
  %sr9 = load i32, ptr %t9, !range !0
  %t10 = getelementptr inbounds i8, ptr %ctx, i64 40
  %sr10 = load i32, ptr %t10, !range !0
  %t11 = getelementptr inbounds i8, ptr %ctx, i64 44
  %sr11 = load i32, ptr %t11, !range !0
  %t12 = getelementptr inbounds i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %t12
  %t13 = getelementptr inbounds i8, ptr %ctx, i64 56
  %dynshared = load ptr, ptr %t13
  %t14 = getelementptr inbounds i64, ptr %args, i64 0
  %t15 = load ptr, ptr %t14
  call void @stacks.0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t15)
  ret i32 0
}

declare void @nj_rt_syncwarp(ptr, i32) nounwind
declare void @nj_rt_barrier(ptr) nounwind
declare i32 @nj_rt_barrier_count(ptr, i32) nounwind
declare i32 @nj_rt_barrier_or(ptr, i32) nounwind
!0 = !{i32 0, i32 2147483647}
