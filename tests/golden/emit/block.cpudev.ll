
define internal void @double.0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i64 %p1) nounwind uwtable alwaysinline {
b0:
  %v3 = add i32 %sr0, 0
  %v4 = sext i32 %v3 to i64
  %v5 = icmp slt i64 %v4, %p1
  br i1 %v5, label %b1, label %b2
b1:
  %v7 = getelementptr inbounds float, ptr %p0, i64 %v4
  %v8 = load float, ptr %v7, align 4, !llvm.access.group !0
  %v9 = fadd float %v8, %v8
  store float %v9, ptr %v7, align 4, !llvm.access.group !0
  ret void
b2:
  ret void
}

define i32 @naja.double.0(ptr noalias readonly %args, ptr noalias %ctx) nounwind uwtable {
entry:
  %t0 = getelementptr inbounds i8, ptr %ctx, i64 12
  %sr3 = load i32, ptr %t0, !range !1
  %t1 = getelementptr inbounds i8, ptr %ctx, i64 16
  %sr4 = load i32, ptr %t1, !range !1
  %t2 = getelementptr inbounds i8, ptr %ctx, i64 20
  %sr5 = load i32, ptr %t2, !range !1
  %t3 = getelementptr inbounds i8, ptr %ctx, i64 24
  %sr6 = load i32, ptr %t3, !range !1
  %t4 = getelementptr inbounds i8, ptr %ctx, i64 28
  %sr7 = load i32, ptr %t4, !range !1
  %t5 = getelementptr inbounds i8, ptr %ctx, i64 32
  %sr8 = load i32, ptr %t5, !range !1
  %t6 = getelementptr inbounds i8, ptr %ctx, i64 36
  %sr9 = load i32, ptr %t6, !range !1
  %t7 = getelementptr inbounds i8, ptr %ctx, i64 40
  %sr10 = load i32, ptr %t7, !range !1
  %t8 = getelementptr inbounds i8, ptr %ctx, i64 44
  %sr11 = load i32, ptr %t8, !range !1
  %t9 = getelementptr inbounds i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %t9
  %t10 = getelementptr inbounds i8, ptr %ctx, i64 56
  %dynshared = load ptr, ptr %t10
  %t11 = getelementptr inbounds i64, ptr %args, i64 0
  %t12 = load ptr, ptr %t11
  %t13 = getelementptr inbounds i64, ptr %args, i64 1
  %t14 = load i64, ptr %t13
  br label %loop.z
loop.z:
  %sr2 = phi i32 [ 0, %entry ], [ %next.z, %latch.z ]
  br label %loop.y
loop.y:
  %sr1 = phi i32 [ 0, %loop.z ], [ %next.y, %latch.y ]
  br label %loop.x
loop.x:
  %sr0 = phi i32 [ 0, %loop.y ], [ %next.x, %latch.x ]
  call void @double.0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t12, i64 %t14)
  br label %latch.x
latch.x:
  %next.x = add nuw nsw i32 %sr0, 1
  %more.x = icmp slt i32 %next.x, %sr6
  br i1 %more.x, label %loop.x, label %latch.y, !llvm.loop !3
latch.y:
  %next.y = add nuw nsw i32 %sr1, 1
  %more.y = icmp slt i32 %next.y, %sr7
  br i1 %more.y, label %loop.y, label %latch.z
latch.z:
  %next.z = add nuw nsw i32 %sr2, 1
  %more.z = icmp slt i32 %next.z, %sr8
  br i1 %more.z, label %loop.z, label %done
done:
  ret i32 0
}

!0 = distinct !{}
!1 = !{i32 0, i32 2147483647}
!2 = !{!"llvm.loop.parallel_accesses", !0}
!3 = distinct !{!3, !2}
